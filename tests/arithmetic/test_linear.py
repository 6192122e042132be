"""Integer sums, their last step, and float linears, against their definitions."""

from itertools import pairwise

import numpy as np
import pytest

from tabulae.arithmetic.activations import encode
from tabulae.arithmetic.linear import accumulate, apply, float_linear
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.arithmetic.rotation import random_rotation
from tabulae.errors import UsageError

rng = np.random.default_rng(1)


def matrix(
    rows: int = 7, cols: int = 150, group: int | None = 64, outliers: bool = True, **more: object
) -> TableMatrix:
    """A random matrix of 4-bit codes."""
    groups = -(-cols // group) if group else 1
    offsets = np.sort(rng.integers(0, 9, rows + 1))
    offsets[0], offsets[-1] = 0, 8
    columns = [np.sort(rng.permutation(cols)[: b - a]) for a, b in pairwise(offsets)]
    values = rng.integers(-(2**20), 2**20, 8).astype(np.int32)
    sparse = Outliers(offsets, np.concatenate(columns).astype(np.uint16), values)
    return TableMatrix(
        codes=rng.integers(0, 16, (rows, cols), dtype=np.uint8),
        codebook=np.sort(rng.integers(-127, 128, 16)).astype(np.int16),
        scales=np.float32(2.0) ** rng.integers(-9, 0, rows).astype(np.float32),
        multipliers=rng.integers(-127, 128, (rows, groups)).astype(np.int8) if group else None,
        group=group or cols,
        outliers=sparse if outliers else None,
        **more,
    )


def plain_sums(w: TableMatrix, x: np.ndarray, exponents: int) -> list[list[int]]:
    """The definition with Python's integers."""
    codes = encode(x, exponents)
    weights = [[int(w.codebook[c]) for c in row] for row in w.codes]
    for r in range(w.rows):
        for j in range(w.cols):
            weights[r][j] *= 1 if w.multipliers is None else int(w.multipliers[r, j // w.group])
        if w.outliers is not None:
            for i in range(w.outliers.offsets[r], w.outliers.offsets[r + 1]):
                weights[r][w.outliers.columns[i]] += int(w.outliers.values[i])
    return [
        [sum(weights[r][j] * int(c[j]) * 2 ** int(e[j // 32]) for j in range(w.cols)) for r in range(w.rows)]
        for c, e in zip(codes.codes, codes.exponents, strict=True)
    ]


@pytest.mark.parametrize("group", [None, 32, 64])
@pytest.mark.parametrize("outliers", [False, True])
def test_accumulate_equals_the_definition(group: int | None, outliers: bool) -> None:
    w = matrix(group=group, outliers=outliers)
    x = rng.standard_normal((3, 150)).astype(np.float32) * np.repeat([1, 0.01, 3, 0.1, 1], 30).astype(np.float32)
    sums = accumulate(w, encode(x, 5))
    assert sums.dtype == np.int64 and sums.tolist() == plain_sums(w, x, 5)


def test_accumulate_goes_through_many_rows_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    w = matrix(rows=40)
    codes = encode(rng.standard_normal((2, 150)).astype(np.float32), 4)
    whole = accumulate(w, codes)
    monkeypatch.setattr("tabulae.arithmetic.matrix.CHUNK", 700)
    np.testing.assert_array_equal(accumulate(w, codes), whole)


@pytest.mark.parametrize("tensor_scale", [False, True])
def test_apply_is_one_conversion_and_one_product(tensor_scale: bool) -> None:
    w = matrix()
    if tensor_scale:
        w = TableMatrix(w.codes, w.codebook, w.scales[:1], w.multipliers, w.group, w.outliers)
    x, bias = rng.standard_normal((3, 150)).astype(np.float32), rng.standard_normal(7).astype(np.float32)
    codes = encode(x, 4)
    expected = np.float32(plain_sums(w, x, 4)) * (w.scales * codes.scales[:, None])
    np.testing.assert_array_equal(apply(w, x), expected)
    np.testing.assert_array_equal(apply(w, x, bias), expected + bias)
    np.testing.assert_allclose(
        expected, codes.decode(150) @ w.decode().T, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
    )


def test_apply_rotates_the_input() -> None:
    rotation = random_rotation(160, seed=3)
    w = matrix(cols=160, rotation=rotation, exponents=0)
    x = rng.standard_normal((2, 160)).astype(np.float32)
    plain = TableMatrix(w.codes, w.codebook, w.scales, w.multipliers, w.group, w.outliers, exponents=0)
    np.testing.assert_array_equal(apply(w, x), apply(plain, rotation.rotate(x)))


def test_apply_does_not_depend_on_the_batch() -> None:
    w, x = matrix(), rng.standard_normal((5, 150)).astype(np.float32)
    np.testing.assert_array_equal(apply(w, x), np.concatenate([apply(w, row[None]) for row in x]))


def test_apply_names_shapes_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match="as many columns"):
        apply(matrix(), np.zeros((1, 151), np.float32))


@pytest.mark.parametrize("cols", [1, 16, 172])
def test_float_linear_sums_in_lanes(cols: int) -> None:
    w, x = rng.standard_normal((5, cols)).astype(np.float32), rng.standard_normal((3, cols)).astype(np.float32)
    expected = lanes_sum(w * x[:, None])
    np.testing.assert_array_equal(float_linear(w, x), expected)
    np.testing.assert_array_equal(float_linear(w, x, w[:, 0]), expected + w[:, 0])
    assert float_linear(w, x[:0]).shape == (0, 5)
