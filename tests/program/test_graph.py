"""Programs that cannot run are refused, naming the operation."""

from typing import Any

import msgspec
import pytest
from tiny_models import CONFIGS, load

from tabulae.errors import ModelError
from tabulae.program import architectures
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention
from tabulae.program.ops.embed import Band, Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm
from tabulae.program.ops.rotary import Rotary
from tabulae.program.ops.select import Select
from tabulae.program.ops.soft_cap import SoftCap
from tabulae.program.value import Int, Value

WANTED = Value(("wanted", 8))
BUFFERS = {"x": 8, "h": 8, "q": 8, "kv": 4, "last": WANTED, "w": WANTED, "logits": Value(("wanted", 12)), "none": 0}
BUFFERS |= {"tokens": 12, "y": 8}
ATTENTION: dict[str, Any] = dict(
    q="q", k="kv", v="kv", out="h", keys="0.keys", values="0.values", heads=2, kv_heads=1, head=4, scale=0.5
)
QKV = Project("x", (Linear("q", "q"), Linear("k", "kv")))


def program(*body: Operation, **changes: Any) -> Decoder:
    head = (Select("x", "last"), Project("last", (Linear("e", "logits"),)))
    made = Decoder.of((Embed.of("e", "x"), *body, *head), BUFFERS, 12, 9, {"inv_freq": (1.0, 0.5)})
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize("name", CONFIGS)
def test_programs_of_architectures_are_consistent(name: str) -> None:
    source, _ = load(name)
    architecture = architectures.find(source)
    architecture.program(architecture.config(source)).check()


def test_a_consistent_program() -> None:
    program(QKV, Rotary("q", "inv_freq", 4), Attention(**ATTENTION), Add("x", "h", "x")).check()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([Add("x", "h", "h")], "operation 1, add] a value must be written before it is read, but got h"),
        ([Add("x", "y", "x")], "a value must be declared, but got y"),
        ([Activate("relu", "x", "none")], "the widths of none must be positive, but got 0"),
        ([QKV, Activate("relu", "x", "kv")], "operation 2, activate] inputs and output must be equally wide"),
        ([QKV, RMSNorm("g", "kv", "x", 1e-5)], "inputs and output must be equally wide"),
        ([Project("x", (Linear("e", "x"),))], "input and outputs must be different values"),
        (
            [Project("x", (Linear("e", "h"), Linear("e", "h")))],
            "project to h] it must be written once, or in bands, but got 2",
        ),
        ([Project("x", (Linear("a", "h", rows=(0, 4)),))], "bands must end at row 8, but got 4"),
        (
            [Project("x", (Linear("a", "h", rows=(0, 4)), Linear("b", "h", rows=(5, 8))))],
            "one another and not be empty",
        ),
        ([Project("x", (Linear("a", "h", rows=(0, 8)), Linear("b", "h", rows=(8, 8))))], "but got 8:8"),
        ([Embed((Band("a", (0, 6)), Band("b", (7, 12))), "x")], "operation 1, embed] bands must follow one another"),
        ([Embed((Band("a", (0, 6)),), "x")], "bands must end at row 12, but got 6"),
        ([Embed((Band("e"),), "h", input="x")], "embed] x must be of integers, but got float32"),
        ([Add("x", "x", "tokens")], "an input must not be written, but got tokens"),
        ([Activate("relu", "x", "h", (3, 3))], "digits of a deal must multiply to 8, but got (3, 3)"),
        ([Rotary("x", "inv_freq", 3)], "a head must divide the buffer, but got 3"),
        ([Rotary("x", "inv_freq", 0)], "a head must divide the buffer, but got 0"),
        ([QKV, Attention(**{**ATTENTION, "heads": 4})], "q, k, v and out must have 16, 4, 4, 16 columns"),
        ([QKV, Attention(**{**ATTENTION, "kv_heads": 2})], "must have 8, 8, 8, 8 columns"),
        ([QKV, Attention(**{**ATTENTION, "heads": 3, "kv_heads": 2})], "heads, columns and window must fit"),
        ([QKV, Attention(**{**ATTENTION, "kv_heads": 0})], "heads, columns and window must fit"),
        ([QKV, Attention(**ATTENTION, window=0)], "heads, columns and window must fit"),
        ([QKV, Attention(**ATTENTION), Attention(**ATTENTION)], "a state must be its own, but got 0.keys"),
        ([Select("x", "w"), Add("x", "w", "y")], "all values must hold the same positions"),
        ([Select("x", "w"), Rotary("w", "inv_freq", 4)], "the input must hold all positions"),
        ([Select("x", "w"), EmbedPosition("p", "w")], "the input must hold all positions"),
        (
            [Activate("relu", "x", "h"), Select("x", "h")],
            "operation 2, select] it must take all positions and give those wanted",
        ),
    ],
)
def test_inconsistent_programs_are_refused(body: list[Operation], message: str) -> None:
    with pytest.raises(ModelError) as error:
        program(*body).check()
    assert message in str(error.value)


def test_logits_must_be_written_and_as_wide_as_the_vocabulary() -> None:
    whole = program()
    with pytest.raises(ModelError, match="the logits must be written, but got nothing"):
        msgspec.structs.replace(whole, operations=whole.operations[:-1]).check()
    with pytest.raises(ModelError, match="the logits must be of the positions wanted, but got positions"):
        msgspec.structs.replace(whole, outputs=("x",)).check()
    with pytest.raises(ModelError, match="the tokens must be 0 to 11"):
        program(values={**whole.values, "tokens": Value(("positions",), Int(0, 12))}).check()


def test_states_are_declared() -> None:
    whole = program(QKV, Attention(**ATTENTION))
    with pytest.raises(ModelError, match=r"operation 2, attention\] the state 0\.keys must be declared as"):
        msgspec.structs.replace(whole, states={}).check()


def test_programs_survive_json() -> None:
    source, _ = load("gemma3")
    architecture = architectures.find(source)
    once = architecture.program(architecture.config(source))
    assert msgspec.json.decode(msgspec.json.encode(once), type=Decoder) == once


def test_a_deal_has_few_digits() -> None:
    text = msgspec.json.encode(program(Activate("relu", "x", "h", (8, 1, 1, 1, 1))))
    with pytest.raises(msgspec.ValidationError, match="length <= 4"):
        msgspec.json.decode(text, type=Decoder)


@pytest.mark.parametrize(
    ("op", "constants", "message"),
    [
        (
            Rotary("q", "w", 4),
            {},
            r"operation 2, rotary\] its frequencies must be a constant of the program, but got w",
        ),
        (Rotary("q", "f", 4, long="w"), {"f": (1.0,)}, r"rotary\] its frequencies must be a constant .* but got w"),
        (Rotary("q", "f", 4), {"f": (1.0,) * 3}, "at most the head's 4 columns can turn, but got 6"),
        (
            Rotary("q", "f", 4),
            {"f": (1.0, -131072.0)},
            r"\[constant f\] angles must stay below 2\^20 .* but got 1.05e\+06",
        ),
        (Rotary("q", "f", 4, long="g"), {"f": (1.0,), "g": (1e30,)}, r"\[constant g\] angles must stay below 2\^20"),
    ],
)
def test_frequencies_are_small_constants(op: Rotary, constants: dict[str, tuple[float, ...]], message: str) -> None:
    """An angle beyond any integer would have no meaning in the native core."""
    made = program(QKV, op)
    with pytest.raises(ModelError, match=message):
        msgspec.structs.replace(made, constants=constants).check()


def test_the_largest_angle() -> None:
    program(QKV, Rotary("q", "f", 4), constants={"f": (131071.0,)}).check()


def test_a_soft_cap_is_positive_in_a_file() -> None:
    made = program(SoftCap("x", 2.0))
    made.check()
    text = msgspec.json.encode(made)
    assert msgspec.json.decode(text, type=Decoder) == made
    with pytest.raises(msgspec.ValidationError, match="> 0"):
        msgspec.json.decode(text.replace(b"2.0", b"0.0"), type=Decoder)
