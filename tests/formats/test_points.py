"""Points: errors and cells against plain sums."""

import numpy as np
import pytest

from tabulae.formats.distributions import NORMAL
from tabulae.formats.points import Points, block_quantiles, quantiles


def test_error_is_the_sum_of_squares_to_the_nearest():
    rng = np.random.default_rng(0)
    values, weights = np.sort(rng.standard_normal(500)), rng.random(500)
    codebook = np.array([-1.0, -0.2, 0.3, 1.5])
    nearest = np.abs(values[:, None] - codebook).min(axis=1)
    assert Points(values, weights).error(codebook) == pytest.approx(np.sum(weights * nearest**2))


def test_cells_of_a_single_codepoint_hold_everything():
    w, wv, wvv = Points(np.array([1.0, 2.0]), np.array([3.0, 1.0])).cells(np.zeros(1))
    assert (w.tolist(), wv.tolist(), wvv.tolist()) == ([4.0], [5.0], [7.0])


def test_a_threshold_splits_a_point_that_has_a_width():
    points = Points(np.array([0.0]), np.array([4.0]), np.array([[-1.0, 1.0]]))
    assert points.cells(np.array([-2.0, 1.0]))[0].tolist() == [1.0, 3.0]


def test_quantiles_of_weights():
    points = Points(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0]))
    assert points.quantiles(np.array([0.0, 0.2, 0.5, 0.8, 1.0])).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_normal_points_have_the_moments_of_a_normal():
    w, wv, wvv = quantiles(NORMAL).cells(np.zeros(1))[:, 0]
    assert wv / w == pytest.approx(0, abs=1e-12)
    assert wvv / w == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("base", "low", "high"), [("absmax", 1 / 128, 1 / 128), ("signmax", 0, 1 / 64)])
def test_blocks_have_their_end_points(base, low, high):
    w = block_quantiles(NORMAL, 64, base).cells(np.array([-1.0, -1 + 1e-9, 1 - 1e-9, 1.0]))[0]
    assert w[0] / w.sum() == pytest.approx(low, abs=1e-4)
    assert w[-1] / w.sum() == pytest.approx(high, abs=1e-4)
