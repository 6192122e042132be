"""Weights that do not fit their program are refused by name."""

import msgspec
import pytest

from tabulae.errors import ModelError
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm
from tabulae.program.ops.rotary import Rotary

PROGRAM = Decoder.of(
    (
        Embed.of("e", "x"),
        EmbedPosition("p", "x", offset=2),
        RMSNorm("g", "x", "x", 1e-5),
        LayerNorm("w", "b", "x", "x", 1e-5),
        Project("x", (Linear("m", "logits", "c"),)),
        Rotary("x", "inv_freq", 4),
        Attention("x", "x", "x", "x", *kept(0), 2, 2, 4, 0.5, slopes="slopes"),
    ),
    {"x": 8, "logits": 12},
    vocabulary=12,
    context=20,
    constants={"inv_freq": (1.0, 0.5), "slopes": (0.5, 0.25)},
)
SHAPES = {"e": (12, 8), "p": (22, 8), "g": (4,), "w": (8,), "b": (8,), "m": (12, 8), "c": (12,)}


def test_shapes_that_fit() -> None:
    PROGRAM.check_shapes(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_a_missing_weight_is_named(name: str) -> None:
    with pytest.raises(ModelError, match=rf"\[{name}\] every weight of the program must be given"):
        PROGRAM.check_shapes({key: shape for key, shape in SHAPES.items() if key != name})


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("wrong", [(), (7,), (8, 12), (12, 8, 1)])
def test_a_wrong_shape_is_named(name: str, wrong: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=rf"\[{name}\] .* but got"):
        PROGRAM.check_shapes({**SHAPES, name: wrong})


def test_constants_of_the_program_are_checked_too() -> None:
    short = msgspec.structs.replace(PROGRAM, constants={**PROGRAM.constants, "slopes": (1.0,)})
    with pytest.raises(ModelError, match=r"\[slopes\] the shape must be 2, but got 1"):
        short.check_shapes(SHAPES)


def test_a_norm_that_divides_by_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match=r"\[g\] a norm's length must divide its input, but got 0"):
        PROGRAM.check_shapes({**SHAPES, "g": (0,)})
