"""One linear by itself gives the bits of the reference."""

import numpy as np
import pytest
from tiny_tables import WAYS

from tabulae.arithmetic.linear import apply
from tabulae.arithmetic.rotation import random_rotation
from tabulae.errors import ModelError, UsageError
from tabulae.formats import encode, parse
from tabulae.runtime.binding import pack_matrix
from tabulae.runtime.table_linear import TableLinear

rng = np.random.default_rng(7)
W = rng.standard_normal((50, 96)).astype(np.float32)
X = rng.standard_normal((3, 7, 96)).astype(np.float32)
BIAS = rng.standard_normal(50).astype(np.float32)


@pytest.mark.parametrize("form", ["normal:4/g32/signmax", "lloyd:6/row/absmax/sparse=0.01", "int:8/row/absmax"])
@pytest.mark.parametrize("bias", [None, BIAS])
def test_the_bits_of_the_reference(form, bias):
    matrix = encode(parse(form), W).matrix
    linear, expected = TableLinear(pack_matrix("w", matrix), bias), apply(matrix, X.reshape(-1, 96), bias)
    for isa, arithmetic, threads in WAYS:
        got = linear(X, threads=threads, arithmetic=arithmetic, isa=isa)
        assert got.shape == (3, 7, 50)
        np.testing.assert_array_equal(got.reshape(-1, 50), expected)


def test_a_rotated_matrix():
    matrix = encode(parse("int:4/row/rms"), W).matrix
    rotated = type(matrix)(**{**vars(matrix), "rotation": random_rotation(96, 3)})
    got = TableLinear(pack_matrix("w", rotated))(X[0])
    np.testing.assert_array_equal(got, apply(rotated, X[0]))


def test_no_rows_and_a_single_one():
    linear = TableLinear(pack_matrix("w", encode(parse("int:8/row/absmax"), W).matrix))
    assert linear(X[0, :0]).shape == (0, 50) and linear(X[0, 0]).shape == (50,)


def test_bad_inputs():
    parts = pack_matrix("w", encode(parse("int:8/row/absmax"), W).matrix)
    linear = TableLinear(parts)
    with pytest.raises(UsageError, match=r"inputs must be float32 \[..., 96\], but got float64"):
        linear(X.astype(np.float64))
    with pytest.raises(UsageError, match=r"but got float32 \[3, 7, 95\]"):
        linear(X[..., :95])
    with pytest.raises(UsageError, match=r"it must be float32 \[50\], but got \[49\]"):
        TableLinear(parts, BIAS[:49])
    with pytest.raises(ModelError, match="every input must be finite"):
        linear(np.full((2, 96), np.nan, np.float32))
