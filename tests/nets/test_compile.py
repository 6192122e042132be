"""Compiled nets: their codes are those of the float net with rounded weights and values, to the last one."""

import numpy as np
import pytest

from nets_at_random import strides
from tabulae.errors import ModelError, UsageError
from tabulae.nets.compile import compile
from tabulae.nets.lowering import Choices
from tabulae.nets.nodes.affine import Affine
from tabulae.nets.nodes.fold import Fold
from tabulae.nets.nodes.function import Function, Scale
from tabulae.nets.nodes.sum import Sum
from tabulae.nets.nodes.view import View
from tabulae.nets.trained_net import TrainedNet
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.take import Piece
from tabulae.program.proof import Range
from tabulae.runtime.net import NetModel

COARSE = Choices(bits=4, weights="int:4/row/search", input_bits=5)
FINE = Choices(bits=10, weights="int:8/row/search", input_bits=10)


def relu(x):
    return np.maximum(x, 0)


def dense(rng, shift=0.0):
    """Two layers on features of unequal size."""
    nodes = (
        Scale("s", "x", np.array([2.0, 0.1, 1.0, 5.0]), np.array([0.0, 1.0, -1.0, shift])),
        Affine("h", "s", rng.normal(size=(1, 6, 4)), rng.normal(size=6)),
        Function("a", "h", relu),
        Affine("y", "a", rng.normal(size=(1, 3, 6)), rng.normal(size=3)),
    )
    return TrainedNet({"x": (4,)}, nodes, ("y",), ("red", "green", "blue"))


def run(built, data):
    """All integers of a compiled net, and what its outputs stand for."""
    values = built.program.values
    given = {
        name: reading.integers(data[name], Range.of(values[name])) for name, reading in built.program.readings.items()
    }
    found = Interpreter(built.program, {}, arrays=built.arrays).run({**data, **given})
    offsets = built.program.offsets
    numbers = {
        name: found[name] * np.float64(values[name].type.unit) + np.asarray(offsets.get(name, 0.0))
        for name in built.program.outputs
    }
    return found, numbers


def features(rng, n=400):
    return {"x": rng.normal(size=(n, 4)) * [0.5, 9.0, 1.0, 0.1] + [0, 5, 1, 0]}


def test_codes_are_those_of_rounded_weights() -> None:
    """Stated in floats: inputs on the grids of their channels, weights as they are stored; no code differs.

    A sum also has what offsets of inputs give, by the weights as they were, and what rounding these loses on average.
    """
    rng = np.random.default_rng(0)
    net, data = dense(rng), features(rng)
    built = compile(net, data, COARSE)
    found, _ = run(built, data)
    scale, layer = net.nodes[:2]
    first, op, second = built.program.operations[:3]
    assert [one.tag for one in (first, op, second)] == ["encode", "products", "encode"]
    low, high = data["x"].min(axis=0), data["x"].max(axis=0)
    unit, offset = (high - low) / 15 * scale.scale, low * scale.scale + scale.shift
    book = built.arrays[op.tables][:, 1].astype(int)  # products with 1
    weights = book[built.arrays[op.select][0]] * np.float64(built.program.values[op.out].type.unit)[:, None]
    mean = ((data["x"] * scale.scale + scale.shift - offset) / unit).mean(axis=0)
    constant = layer.bias + layer.weight[0] @ offset + (layer.weight[0] * unit - weights) @ mean
    step = built.program.values[second.out].type.unit
    wanted = np.clip(np.floor(relu(found[first.out] @ weights.T + constant) / step + 0.5), 0, 15)
    assert (found[second.out] == wanted).all()


@pytest.mark.parametrize("seed", range(3))
def test_fine_choices_lose_next_to_nothing(seed) -> None:
    rng = np.random.default_rng(seed)
    net, data = dense(rng, shift=3.0), features(rng)
    found, outputs = run(compile(net, data, FINE), data)
    wanted = net.run(data)["y"]
    worst = np.abs(outputs[next(iter(outputs))] - wanted).max() / np.abs(wanted).max()
    assert worst < 0.02  # 8-bit weights: 2^-8 of the largest each, six of them
    assert (found["answer"][:, 0] == wanted.argmax(axis=1)).mean() > 0.97


def test_thresholds_hold_what_is_left_of_a_bias() -> None:
    """A third of a unit cannot stand in a sum; it moves thresholds."""
    nodes = (Affine("y", "x", np.array([[[1.0]]]), np.array([1 / 3])), Affine("z", "y", np.array([[[1.0]]])))
    net, data = TrainedNet({"x": (1,)}, nodes, ("z",)), {"x": np.arange(16)[:, None]}
    built = compile(net, data, Choices(bits=4, weights="int:8/row/search"))
    found, _ = run(built, data)
    layer, code = built.program.operations[:2]
    assert (layer.tag, code.tag) == ("products", "encode")
    products = (found[layer.out] - built.arrays[layer.start])[:, 0]
    real = products * built.program.values[layer.out].type.unit + 1 / 3
    step = built.program.values[code.out].type.unit
    assert (found[code.out][:, 0] == np.clip(np.floor(real / step + 0.5), 0, 15)).all()


def image_net(rng, how):
    """A padded convolution with a residual of its own input, a pool, and a layer behind it."""
    h, w, c = 6, 6, 3
    pad = View("p", (Piece("x", 0, strides((h, w, c)), (1, 1, 0), (h, w, c)),), (h + 2, w + 2, c))
    step, wide = ((w + 2) * c, c, 1), (w + 2) * c
    taps = [(ky, kx) for ky in range(3) for kx in range(3)]
    boxes = tuple(Piece("p", ky * wide + kx * c, step, (0, 0, t * c), (h, w, c)) for t, (ky, kx) in enumerate(taps))
    nodes = (
        pad,
        View("q", boxes, (h, w, 9 * c)),
        Affine("k", "q", rng.normal(size=(1, c, 9 * c)), rng.normal(size=c)),
        Function("a", "k", np.sin, rising=False),
        Sum("r", "a", "x"),
        Scale("n", "r", np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.0, 0.2])),
        View("f", (Piece("n", 0, (c, 1)),), (h * w, c)),
        Fold("m", "f", how, 0),
        Affine("y", "m", rng.normal(size=(1, 4, c))),
    )
    return TrainedNet({"x": (h, w, c)}, nodes, ("y",), ("a", "b", "c", "d"))


@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_convolutions_residuals_pools_and_functions_that_fall(how) -> None:
    rng = np.random.default_rng(4)
    net, data = image_net(rng, how), {"x": rng.normal(size=(60, 6, 6, 3))}
    _, outputs = run(compile(net, data, Choices(bits=9, weights="int:8/row/search", input_bits=10)), data)
    wanted = net.run(data)["y"]
    worst = np.abs(outputs[next(iter(outputs))] - wanted).max() / np.abs(wanted).max()
    assert worst < 0.05


def test_equal_functions_of_channels_are_stored_once() -> None:
    rng = np.random.default_rng(0)
    built = compile(image_net(rng, "max"), {"x": rng.normal(size=(40, 6, 6, 3))}, COARSE)
    sides = [op for op in built.program.operations if op.tag == "lookup"]
    assert [len(built.arrays[op.tables]) for op in sides[1:3]] == [1, 1]


def test_formats_with_groups_are_refused() -> None:
    rng = np.random.default_rng(0)
    for name in ("int:4/g32/absmax", "normal:4/row/search/sparse=0.1", "grid:3/row/rms"):
        with pytest.raises(UsageError, match=r"\[weights\] weights of a net must have one scale"):
            compile(dense(rng), features(rng), Choices(weights=name))


def test_a_sum_that_leaves_32_bits_is_refused() -> None:
    data = {"x": np.random.default_rng(0).normal(size=(9, 70_000))}
    net = TrainedNet({"x": (70_000,)}, (Affine("y", "x", np.ones((1, 1, 70_000))),), ("y",))
    with pytest.raises(ModelError, match="every sum of products must stay within 32 bits"):
        compile(net, data, Choices(bits=9, weights="int:8/row/search", input_bits=9))


def test_numbers_are_those_of_the_trained_net() -> None:
    """Also where outputs are codes of a grid that begins below 0, or sums of such."""
    rng = np.random.default_rng(2)
    layer = Affine("h", "x", rng.normal(size=(1, 3, 4)), rng.normal(size=3))
    ends = {
        "a function": (layer, Function("y", "h", np.tanh)),
        "a mean": (layer, View("v", (Piece("h", 0, (3, 1)),), (1, 3)), Fold("y", "v", "mean", 0)),
        "a difference of itself": (layer, Sum("y", "h", "h", minus=True)),
        "a sum": (layer, Function("t", "h", np.tanh), Sum("y", "h", "t")),
    }
    data = {"x": rng.normal(size=(200, 4))}
    for name, nodes in ends.items():
        net = TrainedNet({"x": (4,)}, nodes, ("y",))
        built = compile(net, data, FINE)
        model = NetModel(*built)
        found, wanted = model.numbers(model(data["x"]))[built.program.outputs[0]], net.run(data)["y"]
        assert np.abs(found - wanted).max() < 0.05 * max(1.0, np.abs(wanted).max()), name


def test_answers_compare_channels_of_one_unit() -> None:
    """What stands behind a function or with scales of rows is brought to one grid first."""
    rng = np.random.default_rng(3)
    scale = Scale("y", "h", np.array([1.0, 50.0, 0.02]), np.zeros(3))
    layer = Affine("h", "x", rng.normal(size=(1, 3, 4)) / np.array([[[1.0], [50], [0.02]]]))
    also = Function("z", "h", np.tanh)  # read twice: nothing is folded
    net = TrainedNet({"x": (4,)}, (layer, also, scale), ("y",), ("a", "b", "c"))
    data = {"x": rng.normal(size=(300, 4))}
    built = compile(net, data, FINE)
    found, _ = run(built, data)
    assert (found["answer"][:, 0] == net.run(data)["y"].argmax(axis=1)).mean() > 0.97
    assert not any(op.out.startswith("z") for op in built.program.operations)  # what nothing needs is left out


@pytest.mark.parametrize(
    ("choices", "must"),
    [({"bits": 0}, "values must have 1 to 16 bits, but got 0"), ({"input_bits": 17}, "1 to 16 bits, but got 17")],
)
def test_choices_that_are_none(choices, must) -> None:
    with pytest.raises(UsageError, match=must):
        Choices(**choices)


def test_examples_are_looked_at_first() -> None:
    net = dense(np.random.default_rng(0))
    for data, must in {
        "z": "arrays must be inputs of the net, but got z",
        "x": "every number of x must be finite",
    }.items():
        with pytest.raises(UsageError, match=must):
            compile(net, {data: np.full((3, 4), np.nan)})


def test_features_far_from_zero_and_functions_without_end() -> None:
    layer = Affine("y", "x", np.array([[[1.0]]]))
    data = {"x": 1e12 + np.arange(9.0)[:, None] / 9}
    with pytest.raises(ModelError, match=r"\[array\] its integers must fit 32 bits"):
        compile(TrainedNet({"x": (1,)}, (layer,), ("y",)), data)
    names = [f"f{i}" for i in range(200)]
    chain = tuple(Function(b, a, np.tanh) for a, b in zip(["x", *names], names, strict=False))
    with pytest.raises(ModelError, match="at most 100 functions must follow one another"):
        compile(TrainedNet({"x": (1,)}, chain, (names[-1],)), {"x": np.ones((2, 1)) / 3})


def test_features_of_unequal_size_keep_their_steps() -> None:
    """Coarser codes are made channel by channel: one feature a million times another, far from 0."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, 2)) * [1e-3, 1e3] + [5.0, -1e4]
    layer = Affine("y", "x", np.array([[[1e3, 1e-3], [-1e3, 1e-3]]]), np.array([-5e3, 5e3]))
    net = TrainedNet({"x": (2,)}, (layer,), ("y",), ("a", "b"))
    built = compile(net, {"x": x}, Choices(bits=6, weights="int:8/row/search", input_bits=10))
    _, outputs = run(built, {"x": x})
    wanted = net.run({"x": x})["y"]
    assert np.abs(outputs["y"] - wanted).max() < 0.1 * np.abs(wanted - wanted.mean(axis=0)).max()
