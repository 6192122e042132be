"""Rounding by table against comparing with every codepoint."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabulae.formats.nearest import Nearest

CODEBOOKS = st.sets(st.integers(-8191, 8191), min_size=1, max_size=40).map(lambda c: np.array(sorted(c), np.int16))
VALUES = st.lists(st.floats(-20000, 20000, width=32) | st.integers(-20000, 20000).map(lambda n: n / 2), min_size=1)


@given(CODEBOOKS, VALUES)
def test_codes_are_the_nearest_and_ties_the_lower(integers, values):
    y = np.array(values, np.float32)
    distances = np.abs(y[:, None].astype(np.float64) - integers)  # exact
    np.testing.assert_array_equal(Nearest(integers).codes(y), distances.argmin(axis=1))
    np.testing.assert_array_equal(Nearest(integers).values(y), integers[distances.argmin(axis=1)])


def test_far_values_take_the_ends():
    nearest = Nearest(np.array([-3, 5], np.int16))
    assert nearest.codes(np.array([-1e30, 1e30, -0.0], np.float32)).tolist() == [0, 1, 0]
