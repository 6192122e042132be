"""Weights that do not fit their program are refused by name."""

import pytest

from tabulae.errors import ModelError
from tabulae.program.operations import (
    Attention,
    Embed,
    EmbedPosition,
    LayerNorm,
    Linear,
    Program,
    Project,
    RMSNorm,
    Rotary,
)
from tabulae.program.shapes import check_shapes

PROGRAM = Program(
    operations=(
        Embed("e", "x"),
        EmbedPosition("p", "x", offset=2),
        RMSNorm("g", "x", "x", 1e-5),
        LayerNorm("w", "b", "x", "x", 1e-5),
        Project("x", (Linear("m", "logits", "c"),)),
        Rotary("x", "inv_freq", 4),
        Attention("x", "x", "x", "x", 0, 2, 2, 4, 0.5, slopes="slopes"),
    ),
    buffers={"x": 8, "logits": 12},
    logits="logits",
    vocabulary=12,
    context=20,
    constants={"inv_freq": (1.0, 0.5), "slopes": (0.5, 0.25)},
)
SHAPES = {"e": (12, 8), "p": (22, 8), "g": (4,), "w": (8,), "b": (8,), "m": (12, 8), "c": (12,)}


def test_shapes_that_fit() -> None:
    check_shapes(PROGRAM, SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_a_missing_weight_is_named(name: str) -> None:
    with pytest.raises(ModelError, match=rf"\[{name}\] every weight of the program must be given"):
        check_shapes(PROGRAM, {key: shape for key, shape in SHAPES.items() if key != name})


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("wrong", [(), (7,), (8, 12), (12, 8, 1)])
def test_a_wrong_shape_is_named(name: str, wrong: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=rf"\[{name}\] .* but got"):
        check_shapes(PROGRAM, {**SHAPES, name: wrong})


def test_constants_of_the_program_are_checked_too() -> None:
    short = Program(PROGRAM.operations, PROGRAM.buffers, "logits", 12, 20, {**PROGRAM.constants, "slopes": (1.0,)})
    with pytest.raises(ModelError, match=r"\[slopes\] the shape must be 2, but got 1"):
        check_shapes(short, SHAPES)


def test_a_norm_that_divides_by_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match=r"\[g\] a norm's length must divide its input, but got 0"):
        check_shapes(PROGRAM, {**SHAPES, "g": (0,)})
