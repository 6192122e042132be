"""int: the codepoints of every size, scale and sign."""

import numpy as np
import pytest

from tabulae.formats import parse


@pytest.mark.parametrize("bits", range(2, 8))
def test_codepoints(bits):
    half = 2 ** (bits - 1)
    assert parse(f"int:{bits}/row/absmax").stored.integers.tolist() == list(range(-half, half))
    assert parse(f"int:{bits}/g32/signmax").stored.integers.tolist() == list(range(1 - half, half + 1))
    assert parse(f"int:{bits},sign=sym/row/absmax").stored.integers.tolist() == list(range(1 - 2 * half, 2 * half, 2))


@pytest.mark.parametrize("rest", ["row/absmax", "row/rms", "g32/signmax", "tensor/search"])
def test_eight_bits_are_symmetric(rest):
    stored = parse(f"int:8/{rest}").stored
    assert stored.integers.tolist() == list(range(-127, 128)) and not stored.wide
    assert stored.padded(8)[-1] == 0


def test_the_largest_magnitude_meets_an_end():
    assert parse("int:4/row/absmax").codebook.tolist() == pytest.approx([c / 7 for c in range(-8, 8)])
    assert parse("int:4/g32/signmax").codebook.tolist() == pytest.approx([c / 8 for c in range(-7, 9)])
    assert parse("int:4,sign=sym/row/absmax").codebook[[0, -1]].tolist() == [-1, 1]


@pytest.mark.parametrize(  # optimal even steps: Max, "Quantizing for Minimum Distortion" (1960), table II
    ("bits", "step"), [(2, 0.9957), (3, 0.5860), (4, 0.3352), (5, 0.1881)]
)
def test_rms_has_the_best_step_for_a_normal(bits, step):
    assert 2 * parse(f"int:{bits},sign=sym/row/rms").stored.unit == pytest.approx(step, rel=5e-4)
    np.testing.assert_allclose(np.diff(parse(f"int:{bits},sign=sym/row/rms").codebook), step, rtol=5e-4)
