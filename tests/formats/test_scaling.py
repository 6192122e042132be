"""Scales and multipliers: exact small cases of every rounding rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.arithmetic.bfloat16 import SMALLEST, round_bfloat16
from tabulae.formats.pieces import Pieces
from tabulae.formats.scaling import grouped_scales, measure, measure_tensor, storable

X = np.array([[[3.0, -4.0, 0.0], [2.0, -2.0, 0.0]]], np.float32)


@pytest.mark.parametrize(
    ("base", "measured"), [("absmax", [4.0, 2.0]), ("signmax", [-4.0, 2.0]), ("rms", [(25 / 3) ** 0.5, 2.0])]
)
def test_what_is_measured(base, measured):
    assert measure(X, base, np.array([3, 2])).tolist() == [measured]  # a tie of signmax: the first column


def test_whole_tensors():
    pieces = Pieces(np.array([[3.0], [-4.0]], np.float32), 1)
    assert measure_tensor(pieces, "absmax") == 4
    assert measure_tensor(pieces, "rms") == 12.5**0.5


def test_maxima_are_rounded_away_and_up():
    scales, m = grouped_scales(np.array([[127 * 1.001, -1.0, 2.02, 0.0]]), "away")
    assert scales.tolist() == [1 + 2**-7]
    assert m.tolist() == [[127, -1, 3, 0]]


def test_others_are_rounded_to_nearest():
    scales, m = grouped_scales(np.array([[127 * 1.001, 1.4, 1.6, 0.3]]), "nearest")
    assert scales.tolist() == [1.0]
    assert m.tolist() == [[127, 1, 2, 0]]


@given(st.lists(st.floats(2**-60, 2**60), min_size=1, max_size=5))
def test_no_group_maximum_lies_beyond_its_step(steps):
    scales, m = grouped_scales(np.array([steps]), "away")
    assert np.all(m.astype(np.float64) * scales.astype(np.float64) * (1 + 2**-50) >= steps)


@given(st.floats(0, 2**100), st.floats(0, 2**80) | st.just(0.0))
def test_stored_scales_are_bfloat16_normal_and_large_enough(scale, least):
    for rounding in ("nearest", "away"):
        stored = float(storable(np.array(scale), rounding, least))
        assert stored == round_bfloat16(stored)
        assert stored >= max(SMALLEST, least) if max(scale, least) > 0 else stored == 0
        assert stored >= scale or rounding == "nearest"
        assert stored <= max(scale, least, SMALLEST) * (1 + 2**-7)
