"""Own elementary functions: near the true values, exact where they can be, and the same wherever NumPy is not."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.arithmetic.elementary import exp, exp2, interpolate, log, log2, power


def true(function, x):
    """A function of float64 numbers to 50 digits."""
    with localcontext(prec=50):
        return [function(Decimal(value)) for value in x.tolist()]


def worst_ulps(found, exact):
    return max(
        abs((Decimal(f) - e) / Decimal(float(np.spacing(abs(f))))) for f, e in zip(found.tolist(), exact, strict=True)
    )


# A Horner sum of terms that each are at most .35 times the one before is within an ulp of its value and a half of 1 +.
def test_exp2():
    x = np.random.default_rng(0).uniform(-1000, 1000, 2000)
    assert worst_ulps(exp2(x), true(lambda v: (v * Decimal(2).ln()).exp(), x)) < 1.5


# The quotient s is within an ulp and a half, its polynomial within one more.
def test_log2():
    rng = np.random.default_rng(0)
    x = np.r_[rng.uniform(0.5, 2, 1000), np.ldexp(rng.uniform(1, 2, 1000), rng.integers(-1000, 1000, 1000))]
    assert worst_ulps(log2(x), true(lambda v: v.ln() / Decimal(2).ln(), x)) < 3


def test_exp_log_and_power_follow():
    x = np.random.default_rng(0).uniform(0.01, 20, 500)
    np.testing.assert_allclose(exp(x), np.exp(x), rtol=30 * 2.0**-52)  # 20 log2(e) doublings of the argument's error
    np.testing.assert_allclose(log(x), np.log(x), rtol=2.0**-50, atol=2.0**-52)
    np.testing.assert_allclose(power(x, 2 / 3), x ** (2 / 3), rtol=8 * 2.0**-52)


@given(st.integers(-1074, 1023))
def test_powers_of_two_are_exact(k):
    assert exp2(float(k)) == np.ldexp(1.0, k) and log2(np.ldexp(1.0, k)) == k


def test_ends():
    np.testing.assert_array_equal(exp2([np.inf, -np.inf, 1024.0, -1080.0]), [np.inf, 0, np.inf, 0])
    np.testing.assert_array_equal(log2([0.0, np.inf, -1.0, np.nan]), [-np.inf, np.inf, np.nan, np.nan])
    assert power(0.0, 2 / 3) == 0


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20, unique=True), st.floats(0, 1))
def test_interpolation_is_numpys(known, share):
    known = np.sort(np.array(known))
    values = np.cumsum(np.abs(known))
    x = known[0] + share * (known[-1] - known[0])
    scale = np.abs(values).max() + 1
    assert interpolate(np.array([x]), known, values)[0] == pytest.approx(np.interp(x, known, values), abs=1e-12 * scale)
