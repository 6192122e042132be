"""Takes give what NumPy gives: transposes, pads, patches; boxes and elements outside are refused."""

import numpy as np
import pytest

from nets_at_random import padded, patches, strides
from tabulae.errors import ModelError
from tabulae.nets.builder import Builder
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.take import Piece, Take


def run(net, name, x):
    built = net.built((name,))
    return Interpreter(built.program, {}, arrays=built.arrays).run({"x": x})[name]


def test_transposed_and_reversed() -> None:
    net, x = Builder(), np.arange(24).reshape(2, 3, 4)
    net.input("x", (3, 4), 0, 23)
    op = Take((Piece("x", 11, (-1, -4)),), "y")
    assert (run(net, net.add(op, (4, 3)), x) == x.transpose(0, 2, 1)[:, ::-1, ::-1]).all()


def test_concatenated_beside_a_fill() -> None:
    net, x = Builder(), np.array([[1, 2], [3, 4]])
    net.input("x", (2,), 0, 4)
    op = Take((Piece("x", 0, (1,), (0,), (2,)), Piece("x", 1, (0,), (3,), (1,))), "y", fill=-7)
    assert run(net, net.add(op, (5,)), x).tolist() == [[1, 2, -7, 2, -7], [3, 4, -7, 4, -7]]
    assert net.ranges["y"].low.tolist() == [0, 0, -7, 0, -7]
    assert net.ranges["y"].high.tolist() == [4, 4, -7, 4, -7]


def test_patches_of_a_padded_image() -> None:
    net, x = Builder(), np.random.default_rng(0).integers(0, 9, (3, 5, 4, 2))
    net.input("x", (5, 4, 2), 0, 8)
    found = run(net, patches(net, padded(net, "x", 1, "p"), 3, 2, "q"), x)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (3, 3), (1, 2))
    assert (found == windows[:, ::2, ::2].transpose(0, 1, 2, 4, 5, 3).reshape(found.shape)).all()


@pytest.mark.parametrize(
    ("piece", "must"),
    [
        (Piece("x", 0, (1, 1)), "a piece must have the 1 axes of its output"),
        (Piece("x", 0, (1,), (2,), (3,)), r"the box of a piece must lie in \[4\]"),
        (Piece("x", 0, (1,), (0,), (0,)), "the box of a piece must lie in"),
        (Piece("x", 1, (1,)), r"elements of x must lie in 0\.\.3, but got \(1, 4\)"),
        (Piece("x", 2, (-1,)), r"elements of x must lie in 0\.\.3, but got \(-1, 2\)"),
    ],
)
def test_what_leads_nowhere_is_refused(piece, must) -> None:
    net = Builder()
    net.input("x", (4,), 0, 1)
    with pytest.raises(ModelError, match=must):
        net.add(Take((piece,), "y"), (4,))


def test_strides_row_by_row() -> None:
    assert strides((2, 3, 4)) == (12, 4, 1)
