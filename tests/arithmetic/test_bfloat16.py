"""bfloat16 rounding, on all 65,536 bit patterns and on single floats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.arithmetic.bfloat16 import LARGEST, SMALLEST, from_bfloat16, round_bfloat16, to_bfloat16

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("rounding", ["nearest", "away"])
def test_every_finite_bfloat16_survives(rounding):
    bits = np.arange(1 << 16, dtype=np.uint16)
    values = from_bfloat16(bits)
    finite = np.isfinite(values)
    assert finite.sum() == 2 * 0x7F80
    np.testing.assert_array_equal(to_bfloat16(values[finite], rounding), bits[finite])


def test_ties_go_to_even_mantissas():
    ulp = 2.0**-7
    ties = [1 + ulp / 2, 1 + 3 * ulp / 2, -1 - ulp / 2]
    assert round_bfloat16(ties).tolist() == [1.0, 1 + 2 * ulp, -1.0]


def test_away_from_zero_on_both_sides():
    just_above = np.nextafter(np.float32(1), np.float32(2))
    assert round_bfloat16([just_above, -just_above], "away").tolist() == [1 + 2**-7, -1 - 2**-7]


def test_limits():
    assert round_bfloat16([LARGEST, SMALLEST]).tolist() == [LARGEST, SMALLEST]
    assert round_bfloat16([np.finfo(np.float32).max]).tolist() == [np.inf]
    assert np.finfo(np.float32).tiny == SMALLEST


@given(FLOATS)
def test_nearest_is_within_half_a_step(x):
    low, high = sorted(abs(v) for v in (from_bfloat16(to_bfloat16(x) & 0), round_bfloat16(x, "away")))
    assert low == 0 and high >= abs(x)
    assert abs(float(round_bfloat16(x)) - x) <= max(abs(x) * 2**-8, 2.0**-134) or abs(x) > LARGEST


def test_shape_is_kept():
    assert round_bfloat16(np.ones((2, 3), np.float32)).shape == (2, 3)
