"""The histogram for fitted codebooks: any magnitude, any cut, weights by squared scale."""

import numpy as np
import pytest

from tabulae.formats.histogram import Histogram


def density_of(x, measured, weights=None):
    histogram = Histogram()
    histogram.add(np.asarray(x, np.float32)[None, None], weights, np.full((1, 1), measured))
    return histogram.density()


def test_moments_survive():
    x = np.random.default_rng(0).standard_normal(10000)
    w, wv, wvv = density_of(x, 2.0).cells(np.zeros(1))[:, 0] / 4
    assert (w, wv, wvv) == pytest.approx((10000, x.sum() / 2, np.square(x / 2).sum()), rel=2**-9)


@pytest.mark.parametrize("value", [1e-30, -1e-30, 1.0, -1.0, 3e20])
def test_every_magnitude_has_its_own_bin(value):
    density = density_of([value, 2 * value], 1.0)
    got = density.cells(np.sort(np.array([value, 2 * value])))
    np.testing.assert_allclose(got[1] / got[0], np.sort([value, 2 * value]), rtol=2**-10)


def test_zeros_stay_zero_and_nothing_is_a_zero():
    assert density_of([0.0, -0.0, 1e-45], 1.0).error(np.zeros(1)) == 0
    assert density_of([0.0], 0.0).cells(np.zeros(1))[0].tolist() == [1.0]


def test_weights_count():
    density = density_of([1.0, -1.0], 3.0, np.array([[[0.5, 0.0]]], np.float32))
    w, wv, _ = density.cells(np.zeros(1))[:, 0]
    assert (w, wv) == pytest.approx((4.5, 1.5), rel=2**-10)
