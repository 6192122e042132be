"""Linears: the integer sums of table weights, their one float step at the end, and the float reference.

Everything up to :func:`accumulate` is integer and so independent of order; :func:`apply` adds the rotation
and the encoding before it and one conversion, one product (and a bias) behind it.
"""

import numpy as np

from tabulae.arithmetic.activations import BLOCK, ActivationCodes, encode
from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.arithmetic.matrix import TableMatrix, row_chunks
from tabulae.arithmetic.reductions import LANES, tree
from tabulae.errors import UsageError


def accumulate(matrix: TableMatrix, codes: ActivationCodes) -> Int64s:
    """``A[n, r] = sum_j (m c + o)[r, j] * code[n, j] * 2^exponent[n, j // 32]``, int64 [n, rows]."""
    shifts = np.repeat(codes.exponents.astype(np.int64), BLOCK, axis=1)
    x = (codes.codes.astype(np.int64) << shifts)[:, : matrix.cols]
    sums = np.empty((len(x), matrix.rows), np.int64)
    for rows in row_chunks(matrix.rows, matrix.cols):
        sums[:, rows] = np.einsum("nj,rj->nr", x, _integers(matrix, rows))
    return sums


def apply(matrix: TableMatrix, x: Float32s, bias: Float32s | None = None) -> Float32s:
    """``x @ W.T (+ bias)`` through activation codes: float32 [n, cols] -> [n, rows].

    ``float32(A) * (row_scale * s) (+ bias)``, after the input rotation, if there is one.

    >>> eye = TableMatrix(np.eye(2, dtype=np.uint8), np.int16([0, 127]), np.float32([1]), None, 2)
    >>> apply(eye, np.float32([[4, -4]])).tolist()
    [[508.0, -508.0]]
    """
    if x.shape[-1] != matrix.cols:
        raise UsageError("linear", "the input must have as many columns as the weights", (x.shape, matrix.codes.shape))
    codes = encode(x if matrix.rotation is None else matrix.rotation.rotate(x), matrix.exponents)
    y = accumulate(matrix, codes).astype(np.float32) * (matrix.scales * codes.scales[:, None])
    return y if bias is None else y + bias


def float_linear(w: Float32s, x: Float32s, bias: Float32s | None = None) -> Float32s:
    """``x @ w.T (+ bias)`` for float32 w [rows, cols], x [n, cols]: rounded products, 16 lanes over the columns.

    >>> float_linear(np.float32([[1, 2], [3, 4]]), np.float32([[1, 10]]), np.float32([0, 1])).tolist()
    [[21.0, 44.0]]
    """
    y = np.stack([_dot_rows(w, row) for row in x]) if len(x) else np.empty((0, len(w)), np.float32)
    return y if bias is None else y + bias


def _dot_rows(w: Float32s, x: Float32s) -> Float32s:
    """``lanes_sum(w * x)`` [rows], without holding all products."""
    lanes = np.zeros((len(w), LANES), np.float32)
    for start in range(0, len(x), LANES):
        products = w[:, start : start + LANES] * x[start : start + LANES]
        lanes[:, : products.shape[1]] += products
    return tree(lanes)


def _integers(matrix: TableMatrix, rows: slice) -> Int64s:
    """``m c + o`` of a slice of rows, int64 [n, cols]."""
    values = matrix.codebook.astype(np.int64)[matrix.codes[rows]]
    if matrix.multipliers is not None:
        values *= np.repeat(matrix.multipliers[rows].astype(np.int64), matrix.group, axis=1)[:, : matrix.cols]
    if matrix.outliers is not None:
        r, j, o = matrix.outliers.positions(rows)
        np.add.at(values, (r, j), o)
    return values
