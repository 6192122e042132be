"""Sampling: every cut against a plain definition, frequencies by chi-square, seeds, refused arguments."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.text.sampling import Sampler, _top_k, _top_p

LOGITS = st.lists(st.floats(-20, 20, width=32) | st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=60)


def row(values):
    return np.array(values, dtype=np.float32)


def plain_top_p(scores, weights, ids, p):
    """Take the likeliest (lowest id first among equals) until their sum reaches p of all."""
    kept, total = [], 0.0
    for id in sorted(ids, key=lambda id: (-scores[id], id)):
        if total >= p * sum(weights[id] for id in ids):
            break
        kept.append(id)
        total += weights[id]
    return sorted(kept)


def test_greedy_takes_the_lowest_id_of_equals():
    assert Sampler().choose(row([1, 3, 3, 2]), []) == 1


@given(LOGITS, st.integers(0, 5))
def test_top_k_of_one_is_greedy(logits, seed):
    assert Sampler(temperature=1.3, top_k=1, seed=seed).choose(row(logits), []) == Sampler().choose(row(logits), [])


@given(LOGITS, st.floats(1e-6, 1e-3))
@example([-2.4e-44, 0.0], 1e-3)  # their exponentials are equal
def test_a_tiny_top_p_is_greedy(logits, p):
    assert Sampler(temperature=1.0, top_p=p).choose(row(logits), []) == int(np.argmax(row(logits)))


@given(LOGITS, st.integers(1, 60))
def test_top_k_keeps_the_k_likeliest(logits, k):
    scores = row(logits).astype(np.float64)
    k = min(k, scores.size)
    expected = sorted(sorted(range(scores.size), key=lambda id: (-scores[id], id))[:k])
    assert _top_k(scores, k).tolist() == expected


@given(LOGITS, st.floats(0.05, 0.99))
@settings(max_examples=300)
def test_top_p_keeps_the_fewest_that_reach_p(logits, p):
    scores = row(logits).astype(np.float64)
    weights = np.exp(scores - scores.max())
    kept, expected = (
        _top_p(scores, weights, np.arange(weights.size), p).tolist(),
        plain_top_p(scores, weights, range(weights.size), p),
    )
    share = weights[expected].sum() / weights.sum()
    assert kept == expected or abs(share - p) < 1e-12 or len(kept) == len(expected) + 1  # a sum that rounds to p


def frequencies(sampler, logits, draws=4000):
    return np.bincount([sampler.choose(row(logits), []) for _ in range(draws)], minlength=len(logits))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"temperature": 1.0}, [0.5, 0.25, 0.125, 0.125]),
        ({"temperature": 0.5}, [0.25 / 0.34375, 0.0625 / 0.34375, 0.015625 / 0.34375, 0.015625 / 0.34375]),
        ({"temperature": 1.0, "top_k": 2}, [2 / 3, 1 / 3, 0, 0]),
        ({"temperature": 1.0, "top_k": 3}, [4 / 7, 2 / 7, 1 / 7, 0]),
        ({"temperature": 1.0, "top_p": 0.7}, [2 / 3, 1 / 3, 0, 0]),
        ({"temperature": 1.0, "min_p": 0.3}, [2 / 3, 1 / 3, 0, 0]),
        ({"temperature": 1.0, "top_k": 3, "top_p": 0.8}, [2 / 3, 1 / 3, 0, 0]),  # 6/7 after top-k
    ],
)
def test_frequencies(options, expected):
    seen = frequencies(Sampler(**options, seed=3), np.log([0.5, 0.25, 0.125, 0.125]))
    wanted = np.array(expected) * seen.sum()
    assert not seen[wanted == 0].any()
    chi_square = ((seen - wanted)[wanted > 0] ** 2 / wanted[wanted > 0]).sum()
    assert chi_square < 16.3  # 3 degrees of freedom: one in a thousand


def test_min_p_counts_against_the_likeliest():
    seen = frequencies(Sampler(temperature=1.0, min_p=0.1), np.log([0.5, 0.2, 0.06, 0.04, 0.2]), draws=500)
    assert seen[3] == 0 and (seen[[0, 1, 2, 4]] > 0).all()


def test_the_same_seed_gives_the_same_tokens():
    logits = np.random.default_rng(0).normal(size=1000)
    first, again, other = ([Sampler(1.0, seed=seed).choose(row(logits), []) for _ in range(1)] for seed in (7, 7, 8))
    assert first == again != other
    sampler, twin = Sampler(1.0, seed=5), Sampler(1.0, seed=5)
    assert [sampler.choose(row(logits), []) for _ in range(50)] == [twin.choose(row(logits), []) for _ in range(50)]


def test_the_repetition_penalty_divides_positive_and_multiplies_negative():
    sampler = Sampler(repetition_penalty=2.0)
    assert sampler.choose(row([3, 2]), history=[0, 0]) == 1
    assert sampler.choose(row([-1, -1.5]), history=[0]) == 1
    assert sampler.choose(row([3, 1]), history=[]) == 0


def test_a_very_small_temperature_is_greedy():
    assert Sampler(temperature=1e-320).choose(row([1, 2, 1.999]), []) == 1


def test_impossible_tokens_are_never_drawn():
    assert set(np.flatnonzero(frequencies(Sampler(1.0), [-np.inf, 0, -np.inf, 0, -np.inf], 200))) == {1, 3}


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"top_k": 1.5},
        {"top_p": 0},
        {"top_p": 1.01},
        {"min_p": -0.1},
        {"min_p": 2},
        {"repetition_penalty": 0},
        {"repetition_penalty": float("inf")},
        {"seed": -1},
        {"seed": 0.5},
    ],
)
def test_arguments_out_of_range(options):
    with pytest.raises(UsageError, match=f"{next(iter(options))} must"):
        Sampler(**options)


@pytest.mark.parametrize("logits", [[1, np.nan], [1, np.inf], [-np.inf, -np.inf]])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_must_be_finite(logits, temperature):
    with pytest.raises(UsageError, match="logits must be finite"):
        Sampler(temperature).choose(row(logits), [])


@pytest.mark.parametrize("logits", [np.zeros((1, 3)), np.zeros(0)])
def test_logits_must_be_one_row(logits):
    with pytest.raises(UsageError, match="logits must be one row"):
        Sampler().choose(logits, [])


@pytest.mark.parametrize("history", [[-1], [3]])
def test_history_must_be_ids(history):
    with pytest.raises(UsageError, match=r"history must be ids 0\.\.2"):
        Sampler(repetition_penalty=1.1).choose(row([1, 2, 3]), history)
