"""Distributions against SciPy's own, and cube roots and maxima against integrals."""

import numpy as np
import pytest
from scipy import stats

from tabulae.formats.distributions import LAPLACE, NORMAL, StudentT

T5 = StudentT.unit(5)
PAIRS = [(NORMAL, stats.norm()), (LAPLACE, stats.laplace(scale=0.5**0.5)), (T5, stats.t(5, scale=0.6**0.5))]
P = np.linspace(0.001, 0.999, 97)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_quantiles_and_probabilities(ours, theirs):
    np.testing.assert_allclose(ours.quantiles(P), theirs.ppf(P), rtol=1e-12, atol=1e-15)
    x = np.array([-2.0, -0.1, 0.0, 0.3, 4.0])
    np.testing.assert_allclose(ours.below(x), theirs.cdf(x), rtol=1e-12)
    assert theirs.std() == pytest.approx(1)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_cube_root_follows_the_density(ours, theirs):
    x = np.linspace(-6, 6, 2001)
    wanted = np.cumsum(theirs.pdf(x) ** (1 / 3))
    got = ours.cube_root().below(x)
    share = (wanted - wanted[0]) / (wanted[-1] - wanted[0])
    np.testing.assert_allclose(share, (got - got[0]) / (got[-1] - got[0]), atol=1e-3)


@pytest.mark.parametrize(
    ("ours", "maxima"),
    [(NORMAL, {64: 2.455, 128: 2.723}), (LAPLACE, {64: 4.736, 128: 5.429}), (T5, {64: 4.248, 128: 5.086})],
)
def test_maxima_have_the_published_values(ours, maxima):
    unit = {NORMAL: 1.0, LAPLACE: 0.5**0.5, T5: 0.6**0.5}[ours]  # the published ones are for scale 1
    for n, value in maxima.items():
        assert ours.maximum(n) == pytest.approx(value * unit, abs=1e-3)
