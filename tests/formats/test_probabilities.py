"""Own probabilities and quantiles against those of scipy, and against each other."""

import numpy as np
import pytest
from scipy import special

from tabulae.formats.probabilities import normal_below, normal_quantiles, student_below, student_quantiles

DEGREES = [1 / 3, 1.0, 2.5, 5.0, 30.0, 332.7, 1000.0]  # cube roots of the densities with nu = 3 .. 1000, and these
P = np.r_[np.arange(1, 4096) / 4096, 2.0 ** -np.arange(13, 50)]


# An argument's rounding counts z^2 times in the tail, 900 at 30; the tail of Student's t (nu + 1) log times.
def test_normal_probabilities():
    x = np.linspace(-30, 30, 5001)
    np.testing.assert_allclose(normal_below(x), special.ndtr(x), rtol=1e-12)


def test_normal_quantiles():
    np.testing.assert_allclose(normal_quantiles(P), special.ndtri(P), rtol=1e-12, atol=1e-15)
    assert normal_quantiles(np.array([0.5])) == 0


@pytest.mark.parametrize("nu", DEGREES)
def test_student_probabilities(nu):
    x = np.r_[np.linspace(-10, 10, 1001), np.logspace(-3, 6, 200), 0.0]
    np.testing.assert_allclose(student_below(nu, x), special.stdtr(nu, x), rtol=1e-12)


@pytest.mark.parametrize("nu", DEGREES)
def test_student_quantiles_are_where_the_probabilities_are(nu):
    np.testing.assert_allclose(special.stdtr(nu, student_quantiles(nu, P)), P, rtol=1e-11)


@pytest.mark.parametrize("nu", DEGREES)
def test_student_is_symmetric(nu):
    p = np.arange(1, 64) / 64
    np.testing.assert_array_equal(student_quantiles(nu, p), -student_quantiles(nu, p[::-1]))
