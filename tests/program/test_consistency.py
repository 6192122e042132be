"""Programs that cannot run are refused, naming the operation."""

from typing import Any

import msgspec
import pytest
from tiny_models import CONFIGS, load

from tabulae.errors import ModelError
from tabulae.program import architectures
from tabulae.program.consistency import check_program
from tabulae.program.operations import (
    Activate,
    Add,
    AnyOperation,
    Attention,
    Embed,
    EmbedPosition,
    Linear,
    Program,
    Project,
    RMSNorm,
    Rotary,
    Select,
    SoftCap,
)

BUFFERS = {"x": 8, "h": 8, "q": 8, "kv": 4, "last": 8, "logits": 12, "none": 0}
ATTENTION: dict[str, Any] = dict(q="q", k="kv", v="kv", out="h", layer=0, heads=2, kv_heads=1, head=4, scale=0.5)
QKV = Project("x", (Linear("q", "q"), Linear("k", "kv")))


def program(*body: AnyOperation, **changes: Any) -> Program:
    head = (Select("x", "last"), Project("last", (Linear("e", "logits"),)))
    options: dict[str, Any] = dict(
        operations=(Embed("e", "x"), *body, *head), buffers=BUFFERS, logits="logits", vocabulary=12, context=9
    )
    return Program(**{**options, **changes}, constants={"inv_freq": (1.0, 0.5)})


@pytest.mark.parametrize("name", CONFIGS)
def test_programs_of_architectures_are_consistent(name: str) -> None:
    source, _ = load(name)
    architecture = architectures.find(source)
    check_program(architecture.program(architecture.config(source)))


def test_a_consistent_program() -> None:
    check_program(program(QKV, Rotary("q", "inv_freq", 4), Attention(**ATTENTION), Add("x", "h", "x")))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([Add("x", "h", "x")], "operation 1, add] a buffer must be written before it is read, but got h"),
        ([Add("x", "y", "x")], "a buffer must have a positive width, but got y"),
        ([Activate("relu", "x", "none")], "a buffer must have a positive width, but got none"),
        ([QKV, Activate("relu", "x", "kv")], "operation 2, activate] inputs and output must be equally wide"),
        ([QKV, RMSNorm("g", "kv", "x", 1e-5)], "inputs and output must be equally wide"),
        ([Project("x", (Linear("e", "x"),))], "input and outputs must be different buffers"),
        (
            [Project("x", (Linear("e", "h"), Linear("e", "h")))],
            "project to h] it must be written once, or in bands, but got 2 times",
        ),
        ([Project("x", (Linear("a", "h", rows=(0, 4)),))], "bands must end at row 8, but got 4"),
        (
            [Project("x", (Linear("a", "h", rows=(0, 4)), Linear("b", "h", rows=(5, 8))))],
            "one another and not be empty",
        ),
        ([Project("x", (Linear("a", "h", rows=(0, 8)), Linear("b", "h", rows=(8, 8))))], "but got 8:8"),
        ([Embed("e", "x")], "operation 0, embed] it must be written once, or in bands, but got 2 times"),
        ([Embed("e", "h", rows=(0, 12))], "an embedding must have one output, but got ['x', 'h']"),
        ([QKV, Embed("e", "x")], "embeddings must come before all else, but got operations [0, 2]"),
        ([Activate("relu", "x", "h", (3, 3))], "digits of a deal must multiply to 8, but got (3, 3)"),
        ([Rotary("x", "inv_freq", 3)], "a head must divide the buffer, but got 3"),
        ([Rotary("x", "inv_freq", 0)], "a head must divide the buffer, but got 0"),
        ([QKV, Attention(**{**ATTENTION, "heads": 4})], "q, k, v and out must have 16, 4, 4, 16 columns"),
        ([QKV, Attention(**{**ATTENTION, "kv_heads": 2})], "must have 8, 8, 8, 8 columns"),
        ([QKV, Attention(**{**ATTENTION, "heads": 3, "kv_heads": 2})], "heads, columns and window must fit"),
        ([QKV, Attention(**{**ATTENTION, "kv_heads": 0})], "heads, columns and window must fit"),
        ([QKV, Attention(**ATTENTION, window=0)], "heads, columns and window must fit"),
        ([QKV, Attention(**ATTENTION), Attention(**ATTENTION)], "a cache of its own, but got layer 0"),
        ([Select("x", "h"), Add("x", "h", "x")], "all inputs must hold the same positions"),
        ([Select("x", "x"), Rotary("x", "inv_freq", 4)], "the input must hold all positions"),
        ([Select("x", "x"), EmbedPosition("p", "x")], "the input must hold all positions"),
        ([Select("x", "x")], "operation 2, select] the input must hold all positions"),
    ],
)
def test_inconsistent_programs_are_refused(body: list[AnyOperation], message: str) -> None:
    with pytest.raises(ModelError) as error:
        check_program(program(*body))
    assert message in str(error.value)


def test_logits_must_be_written_and_as_wide_as_the_vocabulary() -> None:
    with pytest.raises(ModelError, match="the logits must be written, but got h"):
        check_program(program(logits="h"))
    with pytest.raises(ModelError, match="as many as the vocabulary, but got 12"):
        check_program(program(vocabulary=13))


def test_programs_survive_json() -> None:
    source, _ = load("gemma3")
    architecture = architectures.find(source)
    once = architecture.program(architecture.config(source))
    assert msgspec.json.decode(msgspec.json.encode(once), type=Program) == once


def test_a_program_begins_with_an_embedding() -> None:
    whole = program()
    with pytest.raises(ModelError, match="it must begin with an embedding"):
        check_program(msgspec.structs.replace(whole, operations=whole.operations[1:]))


def test_a_deal_has_few_digits() -> None:
    text = msgspec.json.encode(program(Activate("relu", "x", "h", (8, 1, 1, 1, 1))))
    with pytest.raises(msgspec.ValidationError, match="length <= 4"):
        msgspec.json.decode(text, type=Program)


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
        check_program(Program(made.operations, made.buffers, "logits", 12, 9, constants))


def test_the_largest_angle() -> None:
    check_program(Program(program(QKV, Rotary("q", "f", 4)).operations, BUFFERS, "logits", 12, 9, {"f": (131071.0,)}))


def test_a_soft_cap_is_positive_in_a_file() -> None:
    made = program(SoftCap("x", 2.0), buffers={name: width for name, width in BUFFERS.items() if width})
    check_program(made)
    text = msgspec.json.encode(made)
    assert msgspec.json.decode(text, type=Program) == made
    with pytest.raises(msgspec.ValidationError, match="> 0"):
        msgspec.json.decode(text.replace(b"2.0", b"0.0"), type=Program)
