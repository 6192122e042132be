"""Rounding by table against comparing with every codepoint."""

from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tabulae.formats.nearest import Nearest

CODEBOOKS = st.sets(st.integers(-8191, 8191), min_size=1, max_size=40).map(lambda c: np.array(sorted(c), np.int16))
VALUES = st.lists(st.floats(-20000, 20000, width=32) | st.integers(-20000, 20000).map(lambda n: n / 2), min_size=1)


def _nearest(value, integers):
    """Of equals the lower."""
    return min(range(len(integers)), key=lambda code: abs(value - int(integers[code])))


@given(CODEBOOKS, VALUES)
@example(np.array([-1, 1], np.int16), [3.659857191863703e-28])
def test_codes_are_the_nearest_and_ties_the_lower(integers, values):
    y = np.array(values, np.float32)
    exact = [Fraction(float(value)) for value in y]  # a float64 difference would lose 1e-28 beside 1
    nearest = [_nearest(value, integers) for value in exact]
    np.testing.assert_array_equal(Nearest(integers).codes(y), nearest)
    np.testing.assert_array_equal(Nearest(integers).values(y), integers[nearest])


def test_far_values_take_the_ends():
    nearest = Nearest(np.array([-3, 5], np.int16))
    assert nearest.codes(np.array([-1e30, 1e30, -0.0], np.float32)).tolist() == [0, 1, 0]
