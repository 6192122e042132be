"""The meaning of single operations, table weights, and the errors of the public edge."""

from typing import Any

import msgspec
import numpy as np
import pytest

from tabulae.arithmetic.linear import apply, float_linear
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.polynomials import cos, sin, tanh
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.arithmetic.rotation import random_rotation
from tabulae.errors import ModelError, UsageError
from tabulae.program.graph import Decoder
from tabulae.program.interpreter import Interpreter
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.layer_norm import layer_norm
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm, rms_norm
from tabulae.program.ops.rotary import Rotary, rotary
from tabulae.program.ops.select import Select
from tabulae.program.ops.soft_cap import SoftCap

WIDTH, VOCABULARY = 8, 12
rng = np.random.default_rng(4)


def normal(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def table(rows: int, cols: int, **more: Any) -> TableMatrix:
    """A random 3-bit matrix with a scale per row."""
    codes, codebook = rng.integers(0, 8, (rows, cols), dtype=np.uint8), np.arange(-100, 100, 25).astype(np.int16)
    return TableMatrix(codes, codebook, np.full(rows, 2.0**-7, np.float32), None, cols, **more)


def program(*body: Operation, **more: Any) -> Decoder:
    """A body on x between an embedding and a tied head."""
    buffers = dict.fromkeys(("x", "h", "q", "k", "v", "a", "last"), WIDTH) | {"logits": VOCABULARY}
    head = (Select("x", "last"), Project("last", (Linear("e", "logits"),)))
    return Decoder.of((Embed.of("e", "x"), *body, *head), buffers, VOCABULARY, 20, **more)


ATTENTION = Attention("q", "k", "v", "a", *kept(0), heads=2, kv_heads=2, head=4, scale=0.5)
BLOCK = (
    RMSNorm("g", "x", "h", 1e-5),
    Project("h", (Linear("wq", "q", "b"), Linear("wk", "k"), Linear("wv", "v"))),
    Rotary("q", "inv_freq", 4),
    Rotary("k", "inv_freq", 4),
    ATTENTION,
    Project("a", (Linear("wo", "h"),)),
    Add("x", "h", "x"),
)
CONSTANTS = {"inv_freq": (1.0, 0.25)}


def test_a_program_of_table_weights_is_its_operations_one_after_the_other() -> None:
    weights = {name: table(WIDTH, WIDTH) for name in ("wq", "wk", "wv", "wo")} | {"e": table(VOCABULARY, WIDTH)}
    weights |= {"g": normal(WIDTH), "b": normal(WIDTH)}
    model = Interpreter(program(*BLOCK, constants=CONSTANTS), weights)
    x = np.stack([weights["e"].row(t) for t in (3, 11)])
    h = rms_norm(x, weights["g"], 1e-5)
    positions, inv_freq = np.arange(2), np.float32([1, 0.25])
    q = rotary(apply(weights["wq"], h, weights["b"]), positions, inv_freq, 4)
    k, v = rotary(apply(weights["wk"], h), positions, inv_freq, 4), apply(weights["wv"], h)
    x = x + apply(weights["wo"], ATTENTION.attend(q, positions, k, v, None))
    np.testing.assert_array_equal(model.logits([3, 11], wanted="all"), apply(weights["e"], x))
    np.testing.assert_array_equal(model.logits([3, 11]), apply(weights["e"], x)[-1:])


def test_table_weights_in_pieces_give_the_same_bits() -> None:
    weights = {name: table(WIDTH, WIDTH) for name in ("wq", "wk", "wv", "wo")} | {"e": table(VOCABULARY, WIDTH)}
    model = Interpreter(program(*BLOCK, constants=CONSTANTS), weights | {"g": normal(WIDTH), "b": normal(WIDTH)})
    tokens = rng.integers(0, VOCABULARY, 20).tolist()
    whole = model.logits(tokens, wanted="all")
    assert [model.logits([t], start=p)[0].tobytes() for p, t in enumerate(tokens)] == [row.tobytes() for row in whole]
    assert model.length == 20


def test_embeddings_are_scaled_and_placed() -> None:
    weights = {"e": normal(VOCABULARY, WIDTH), "p": normal(22, WIDTH)}
    plain = program(EmbedPosition("p", "x", offset=2))
    scaled = msgspec.structs.replace(plain, operations=(Embed.of("e", "x", scale=3.0), *plain.operations[1:]))
    logits = Interpreter(scaled, weights).logits([5, 6], wanted="all")
    expected = weights["e"][[5, 6]] * np.float32(3) + weights["p"][[2, 3]]
    np.testing.assert_array_equal(logits, float_linear(weights["e"], expected))


def test_gates() -> None:
    weights = {"e": normal(VOCABULARY, WIDTH)}
    x = weights["e"][[7]]
    logits = Interpreter(program(Gate("relu", "x", "x", "x")), weights).logits([7])
    np.testing.assert_array_equal(logits, float_linear(weights["e"], np.maximum(x, 0) * x))


@pytest.mark.parametrize("runs", [1, 3])
def test_rms_norm(runs: int) -> None:
    x, g = normal(2, 24 * runs), normal(24)
    result = rms_norm(x, g, 1e-3)
    run = x[1, -24:]
    mean = lanes_sum(run * run) / np.float32(24)
    np.testing.assert_array_equal(result[1, -24:], run / np.sqrt(mean + np.float32(1e-3)) * g)
    assert result.dtype == np.float32 and result.shape == x.shape


def test_layer_norm() -> None:
    x, g, b = normal(2, 24), normal(24), normal(24)
    wide = x.astype(np.float64)
    centred = wide - wide.mean(1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-3) * g
    np.testing.assert_allclose(layer_norm(x, g, None, 1e-3), expected, atol=1e-6)
    np.testing.assert_array_equal(layer_norm(x, g, b, 1e-3), layer_norm(x, g, None, 1e-3) + b)


def test_rotary_turns_pairs_and_leaves_the_rest() -> None:
    x, inv_freq = normal(2, 12), np.float32([0.5, 0.1])
    result = rotary(x, np.array([4, 1000]), inv_freq, head=6).reshape(2, 2, 6)
    heads = x.reshape(2, 2, 6)
    angle = np.float32(1000) * inv_freq
    a, b = heads[1, 1, :2], heads[1, 1, 2:4]
    np.testing.assert_array_equal(result[1, 1, :2], a * cos(angle) - b * sin(angle))
    np.testing.assert_array_equal(result[1, 1, 2:4], b * cos(angle) + a * sin(angle))
    np.testing.assert_array_equal(result[..., 4:], heads[..., 4:])


def test_cosines_and_sines_are_scaled() -> None:
    x, positions, inv_freq = normal(2, 12), np.array([4, 1000]), np.float32([0.5, 0.1])
    result = rotary(x, positions, inv_freq, 6, 1.5).reshape(2, 2, 6)
    angle = np.float32(1000) * inv_freq
    c, s = cos(angle) * np.float32(1.5), sin(angle) * np.float32(1.5)
    a, b = x.reshape(2, 2, 6)[1, 1, :2], x.reshape(2, 2, 6)[1, 1, 2:4]
    np.testing.assert_array_equal(result[1, 1, :2], a * c - b * s)
    np.testing.assert_array_equal(result[..., 4:], x.reshape(2, 2, 6)[..., 4:])


def test_a_soft_cap() -> None:
    weights = {"e": 9 * normal(VOCABULARY, WIDTH)}
    logits = Interpreter(program(SoftCap("x", 0.5)), weights).logits([7])
    capped = np.float32(0.5) * tanh(weights["e"][[7]] / np.float32(0.5))
    np.testing.assert_array_equal(logits, float_linear(weights["e"], capped))


@pytest.fixture
def model() -> Interpreter:
    return Interpreter(program(), {"e": normal(VOCABULARY, WIDTH)})


@pytest.mark.parametrize(("tokens", "got"), [([], "none"), ([0, 12], "12"), ([-1], "-1")])
def test_tokens_must_be_in_the_vocabulary(model: Interpreter, tokens: list[int], got: str) -> None:
    with pytest.raises(UsageError, match=rf"numbers in 0\.\.11, at least one, but got {got}"):
        model.logits(tokens)


def test_a_gap_behind_the_cache_is_refused(model: Interpreter) -> None:
    model.logits([1, 2])
    with pytest.raises(UsageError, match=r"0\.\.2, so that no gap is left, but got 3"):
        model.logits([1], start=3)
    with pytest.raises(UsageError, match="no gap"):
        model.logits([1], start=-1)


def test_a_prompt_beyond_the_context_is_refused(model: Interpreter) -> None:
    model.logits([1] * 20)
    with pytest.raises(UsageError, match="the context holds 20 positions, but got 21"):
        model.logits([1], start=20)


def test_a_rotated_embedding_is_refused() -> None:
    rotated = table(VOCABULARY, WIDTH, rotation=random_rotation(WIDTH, 0))
    with pytest.raises(ModelError, match=r"\[e\] an embedding must not be rotated"):
        Interpreter(program(), {"e": rotated}).logits([1])


def test_weights_of_another_type_are_refused() -> None:
    with pytest.raises(ModelError, match=r"\[e\] weights must be float32 .* but got float64"):
        Interpreter(program(), {"e": np.zeros((VOCABULARY, WIDTH))})


def test_a_norm_of_table_weights_is_refused() -> None:
    weights = {"e": normal(VOCABULARY, WIDTH), "p": table(1, WIDTH)}
    with pytest.raises(ModelError, match=r"\[p\] the shape must be any, but got 1 x 8"):
        Interpreter(program(RMSNorm("p", "x", "x", 1e-5)), weights)
