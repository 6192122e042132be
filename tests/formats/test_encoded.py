"""Bits: everything counted, nothing estimated."""

import numpy as np
import pytest

from tabulae.arithmetic.matrix import Outliers
from tabulae.formats import parse
from tabulae.formats.encoded import outlier_bits

ROWS, COLS = 6, 100
X = np.random.default_rng(2).standard_normal((ROWS, COLS)).astype(np.float32)
N = ROWS * COLS


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("int:8/row/absmax", 8 * N + 16 * ROWS),
        ("int:5/tensor/rms", 5 * N + 16),
        ("normal:4/g64/signmax", 4 * N + 16 * ROWS + 8 * 2 * ROWS),
        ("normal:3/g32/search", 3 * N + 16 * ROWS + 8 * 4 * ROWS),
        ("ternary/row/search", 2 * N + 16 * ROWS),
        ("e2m1/g32/absmax", 4 * N + 16 * ROWS + 8 * 4 * ROWS),
        ("lloyd:4/row/rms", 4 * N + 16 * ROWS + 16 * 8),
        ("lloyd:7/row/rms", 7 * N + 16 * ROWS + 128 * 16),
        ("int:4/row/absmax/sparse=0.001", 4 * N + 16 * ROWS),
    ],
)
def test_bits(name, bits):
    encoded = parse(name).encode(X)
    assert encoded.bits == bits
    assert encoded.codes is encoded.matrix.codes and encoded.codes.shape == X.shape
    assert str(encoded.format) == name


@pytest.mark.parametrize(
    ("values", "width"),
    [([], 8), ([-128, 127], 8), ([128], 16), ([-129], 16), ([-32768], 16), ([32768], 32), ([-(2**31)], 32)],
)
def test_outlier_values_take_the_smallest_width(values, width):
    n = len(values)
    outliers = Outliers(np.array([0, n, n]), np.zeros(n, np.uint16), np.array(values, np.int32))
    assert outlier_bits(outliers) == 3 * 32 + n * (16 + width)
