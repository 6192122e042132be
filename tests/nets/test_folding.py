"""Folded nets give the same numbers with fewer nodes."""

import numpy as np

from tabulae.nets.folding import folded
from tabulae.nets.nodes.affine import Affine
from tabulae.nets.nodes.function import Function, Scale
from tabulae.nets.trained_net import TrainedNet


def net(*more):
    rng = np.random.default_rng(0)
    nodes = (
        Affine("a", "x", rng.normal(size=(2, 3, 2))),
        Scale("b", "a", rng.normal(size=6), rng.normal(size=6)),
        Scale("c", "b", np.asarray(-2.0), np.asarray(1.0)),
        Function("d", "c", np.tanh),
        *more,
    )
    return TrainedNet({"x": (4,)}, nodes, (nodes[-1].out,)), {"x": rng.normal(size=(5, 4))}


def test_scalings_behind_a_linear_are_in_its_weights() -> None:
    before, data = net()
    after = folded(before)
    assert [type(node).__name__ for node in after.nodes] == ["Affine", "Function"]
    assert np.allclose(after.run(data)["d"], before.run(data)["d"], rtol=1e-12)


def test_what_another_one_reads_stays() -> None:
    before, data = net(Scale("e", "b", np.asarray(1.0), np.asarray(0.5)))
    after = folded(before)
    assert [node.out for node in after.nodes] == ["b", "c", "d", "e"]
    assert np.allclose(after.run(data)["e"], before.run(data)["e"], rtol=1e-12)
