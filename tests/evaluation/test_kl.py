import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import ModelError
from tabulae.evaluation import kl
from tabulae.evaluation.kl import full_kl, normaliser, same_top, surprise, top_k_kl
from tabulae.evaluation.top_k import TopK

P = np.log(np.float32([[0.5, 0.25, 0.125, 0.125]])) + np.float32(3)  # logits may be shifted
Q = np.log(np.float32([[0.25, 0.5, 0.1875, 0.0625]])) - np.float32(2)
FULL = 0.5 * math.log(2) + 0.25 * math.log(0.5) + 0.125 * math.log(2 / 3) + 0.125 * math.log(2)


def top(logits: np.ndarray, k: int = 128) -> TopK:
    return TopK.of(logits, normaliser(logits), k)


def both(p: np.ndarray, q: np.ndarray, k: int = 128) -> tuple[float, float]:
    """Full KL and that of the best k tokens, of the first position."""
    return full_kl(p, q, normaliser(p), normaliser(q))[0], top_k_kl(top(p, k), q, normaliser(q))[0]


def test_full_kl_by_hand() -> None:
    assert both(P, Q)[0] == pytest.approx(FULL, rel=1e-6)


def test_the_best_two_tokens_and_the_tail_by_hand() -> None:
    by_hand = 0.5 * math.log(2) + 0.25 * math.log(0.5) + 0.25 * math.log(0.25 / 0.25)
    assert both(P, Q, k=2)[1] == pytest.approx(by_hand, rel=1e-6)


def test_with_the_whole_vocabulary_kept_nothing_is_lumped() -> None:
    assert both(P, Q, k=4)[1] == pytest.approx(FULL, rel=1e-6)


def test_a_tail_below_one_in_a_million_counts_as_that() -> None:
    p, q = np.float32([[20, 0, 0]]), np.float32([[0, 0, 0]])  # p = 1 - 4e-9
    assert both(p, q, k=1)[1] == pytest.approx(math.log(3) + 1e-6 * math.log(1e-6 * 3 / 2), rel=1e-4)


def test_surprise_and_same_top() -> None:
    logits = np.concatenate([P, Q])
    surprises = surprise(logits, np.int32([2, 1]), normaliser(logits))
    np.testing.assert_allclose(surprises, [math.log(8), math.log(2)], rtol=1e-6)
    assert same_top(top(np.concatenate([P, P])), logits).tolist() == [True, False]


def test_logits_that_are_not_finite_are_refused() -> None:
    for bad in (np.nan, np.inf):
        with pytest.raises(ModelError, match="must be finite"):
            normaliser(np.float32([[0, 1], [0, bad]]))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    p, q = rng.normal(0, 3, (2, 17, 50)).astype(np.float32)
    whole = full_kl(p, q, normaliser(p), normaliser(q))
    monkeypatch.setattr(kl, "CHUNK", 100)
    np.testing.assert_array_equal(full_kl(p, q, normaliser(p), normaliser(q)), whole)


@given(st.integers(0, 10_000), st.floats(0, 10), st.floats(0, 10), st.integers(1, 30))
def test_kl_is_never_negative_and_lumping_tokens_never_raises_it(seed: int, a: float, b: float, k: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.float32(a) * rng.normal(size=(1, 30)).astype(np.float32)
    q = p + np.float32(b) * rng.normal(size=(1, 30)).astype(np.float32)
    full, lumped = both(p, q, k)
    assert full >= 0
    assert -1e-5 <= lumped <= full * (1 + 1e-6) + 1e-5  # log-probabilities kept as float32, the tail's bound 1e-6


@given(st.integers(0, 10_000), st.floats(0, 30))
def test_the_same_distribution_has_no_kl(seed: int, spread: float) -> None:
    p = np.float32(spread) * np.random.default_rng(seed).normal(size=(1, 200)).astype(np.float32)
    full, lumped = both(p, p)
    assert full == 0
    assert abs(lumped) < 1e-5
    assert full_kl(p, p + np.float32(1), normaliser(p), normaliser(p + np.float32(1)))[0] < 1e-5


def test_huge_vocabularies_are_stable() -> None:
    p = np.float32([[1e4, -1e4, 0]])
    assert both(p, p) == (0, 0)
    assert normaliser(p)[0] == 1e4
