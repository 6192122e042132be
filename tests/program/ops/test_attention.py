"""Attention against its definition, position by position."""

import numpy as np
import pytest

from tabulae.arithmetic.polynomials import exp
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.program.env import Env
from tabulae.program.graph import Decoder
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.soft_cap import soft_cap

HEADS, KV, HEAD, N = 6, 2, 20, 40
rng = np.random.default_rng(3)
Q = rng.standard_normal((N, HEADS * HEAD)).astype(np.float32)
K, V = rng.standard_normal((2, N, KV * HEAD)).astype(np.float32)
SLOPES = (2.0 ** -np.arange(1, HEADS + 1)).astype(np.float32)


def operation(window: int | None = None, cap: float | None = None) -> Attention:
    return Attention("q", "k", "v", "a", *kept(0), HEADS, KV, HEAD, scale=0.25, window=window, cap=cap)


def plain(
    position: int, head: int, window: int | None, slopes: np.ndarray | None, cap: float | None = None
) -> np.ndarray:
    """The definition for one position and head."""
    first = 0 if window is None else max(0, position - window + 1)
    columns = slice(head // 3 * HEAD, head // 3 * HEAD + HEAD)
    q = Q[position, head * HEAD : (head + 1) * HEAD]
    scores = []
    for j in range(first, position + 1):
        score = lanes_sum(q * K[j, columns]) * np.float32(0.25)
        if cap is not None:
            score = soft_cap(np.float32([score]), cap)[0]
        if slopes is not None:
            score = score + slopes[head] * np.float32(j - position)
        scores.append(score)
    e = exp(np.array(scores) - max(scores))
    lanes = np.zeros(16, np.float32)
    out = np.zeros(HEAD, np.float32)
    for j, weight in zip(range(first, position + 1), e, strict=True):
        lanes[j % 16] += weight
        out = out + weight * V[j, columns]
    return out / lanes_sum(lanes)


@pytest.mark.parametrize("window", [None, 1, 5, 17])
@pytest.mark.parametrize("slopes", [None, SLOPES])
def test_equals_the_definition_bit_by_bit(window: int | None, slopes: np.ndarray | None) -> None:
    out = operation(window).attend(Q, np.arange(N), K, V, slopes).reshape(N, HEADS, HEAD)
    for position in (0, 1, 15, 16, 39):
        for head in range(HEADS):
            np.testing.assert_array_equal(out[position, head], plain(position, head, window, slopes))


def test_scores_are_capped_before_positions_are_left_out() -> None:
    out = operation(5, 0.75).attend(Q, np.arange(N), K, V, None).reshape(N, HEADS, HEAD)
    for position in (0, 3, 17, 39):
        np.testing.assert_array_equal(out[position, 2], plain(position, 2, 5, None, 0.75))


def test_one_position_at_a_time_gives_the_same_bits() -> None:
    op = operation(9)
    rows = [op.attend(Q[p : p + 1], np.array([p]), K[: p + 1], V[: p + 1], None) for p in range(N)]
    np.testing.assert_array_equal(np.concatenate(rows), op.attend(Q, np.arange(N), K, V, None))


def test_what_stands_behind_an_earlier_position_is_forgotten() -> None:
    made = Decoder.of([operation()], {"a": HEADS * HEAD}, 2, N)
    env = Env(made.values, made.constants, {}, N)
    env.positions = np.arange(N)
    env.remember("0.keys", K)
    env.positions = np.arange(3, 5)
    np.testing.assert_array_equal(env.remember("0.keys", K[:2]), np.concatenate([K[:3], K[:2]]))
