"""Bits: everything counted, nothing estimated."""

import numpy as np
import pytest

from tabulae.arithmetic.matrix import Outliers
from tabulae.codes import rans
from tabulae.formats import encode, parse
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
    encoded = encode(parse(name), X)
    assert encoded.bits == bits
    assert encoded.codes is encoded.matrix.codes and encoded.codes.shape == X.shape
    assert str(encoded.format) == name


@pytest.mark.parametrize(
    ("name", "shorter"),
    [("int:8/row/absmax", True), ("normal:4/g32/signmax", True), ("int:2,sign=sym/row/absmax", False)],
)
def test_bits_with_entropy_are_those_of_the_stream_if_it_is_shorter(name, shorter):
    rng = np.random.default_rng(2)
    x = rng.laplace(size=(60, 1000)) if shorter else rng.choice([-3, -1, 1, 3], (60, 1000))
    x = x.astype(np.float32)
    plain, entropy = encode(parse(name), x), encode(parse(f"{name}/entropy"), x)
    np.testing.assert_array_equal(plain.decode(), entropy.decode())
    saved = x.size * plain.matrix.bits - 8 * rans.encode(plain.codes).nbytes
    assert plain.bits - entropy.bits == max(saved, 0) and (saved > 0) == shorter


@pytest.mark.parametrize(
    ("values", "width"),
    [([], 8), ([-128, 127], 8), ([128], 16), ([-129], 16), ([-32768], 16), ([32768], 32), ([-(2**31)], 32)],
)
def test_outlier_values_take_the_smallest_width(values, width):
    n = len(values)
    outliers = Outliers(np.array([0, n, n]), np.zeros(n, np.uint16), np.array(values, np.int32))
    assert outlier_bits(outliers) == 3 * 32 + n * (16 + width)
