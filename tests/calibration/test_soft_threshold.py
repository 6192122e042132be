import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae.calibration.soft_threshold import outlier_mask, penalty_of, soft_threshold
from tabulae.errors import UsageError
from tabulae.formats.outliers import largest

rng = np.random.default_rng(8)


def test_it_solves_the_adaptive_lasso() -> None:
    w, penalty = np.float32([[0.3, -0.9, 1.7, -4]]), 0.5
    v = np.linspace(-5, 5, 200_001)
    costs = np.square(w.T - v) + 2 * penalty * np.abs(v) / np.abs(w.T)  # b = 1, l = 2 l'
    np.testing.assert_allclose(soft_threshold(w, penalty)[0], v[costs.argmin(axis=1)], atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 0.99), st.integers(0, 2**32 - 1))
def test_the_detector_is_a_quantile(rows: int, cols: int, share: float, seed: int) -> None:
    w = np.random.default_rng(seed).standard_normal((rows, cols)).astype(np.float32)
    mask = outlier_mask(w, share)
    count = int(share * w.size + 1e-12)
    top = np.zeros(w.size, bool)
    top[largest(w, count) if count else []] = True
    np.testing.assert_array_equal(mask.reshape(-1), top)
    np.testing.assert_array_equal(mask, np.abs(w) > np.sqrt(penalty_of(w, share)))


def test_a_search_for_the_penalty_finds_the_same_set() -> None:
    w = rng.standard_t(4, (64, 512)).astype(np.float32)
    low, high, target = 0.0, float(np.square(w).max()), int(0.05 * w.size)
    for _ in range(60):  # what the published procedure does: a root of the share of outliers
        middle = (low + high) / 2
        low, high = (low, middle) if np.count_nonzero(soft_threshold(w, middle)) <= target else (middle, high)
    np.testing.assert_array_equal(soft_threshold(w, high) != 0, outlier_mask(w, 0.05))


def test_ties_at_the_threshold_are_left_out() -> None:
    w = np.float32([[1, -2, 2, 2, 0.5, 3, 0, 0]])
    assert outlier_mask(w, 0.25).tolist() == [[False] * 5 + [True] + [False] * 2]


def test_zeros_are_no_outliers() -> None:
    assert not outlier_mask(np.zeros((3, 5), np.float32), 0.5).any()
    assert soft_threshold(np.float32([0, 2]), 0.0).tolist() == [0, 2]


@pytest.mark.parametrize("share", [-0.1, 1, 2.5])
def test_shares_out_of_range(share: float) -> None:
    with pytest.raises(UsageError, match="outlier share"):
        penalty_of(np.ones((2, 2), np.float32), share)
