"""``sparse=f``: the floor(f N) largest weights of a tensor are stored exactly (to one unit of the row's scale).

Ties go to the first position. The dense code under an outlier is that of the smallest codepoint, and what is missing
to the weight is stored beside it as an integer.

>>> largest(np.array([[1.0, -3.0], [3.0, 2.0]], np.float32), 1)
array([1])
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s
from tabulae.arithmetic.matrix import Outliers, TableMatrix, row_chunks
from tabulae.errors import UsageError

COLUMNS = 1 << 16  # what a uint16 can tell apart
UNITS = float(1 << 23)  # no outlier has more units than float32 holds exactly: a row's scale is raised if need be
LOW = 15  # bits of a magnitude that are looked at second


def positions(x: Float32s, share: float) -> Int64s:
    """Flat positions, ascending, of the floor(share * N) largest weights; ``share`` is taken as it is written."""
    count = int(Fraction(repr(share)) * x.size)
    if count and x.shape[1] > COLUMNS:
        raise UsageError("format sparse", f"at most {COLUMNS} columns can be told apart", x.shape[1], "leave it out")
    return largest(x, count) if count else np.empty(0, np.int64)


def largest(x: Float32s, count: int) -> Int64s:
    """Flat positions, ascending, of the ``count`` >= 1 largest magnitudes; exact, in two counting passes."""
    high = _histogram(x, lambda keys: keys >> LOW)
    top, above = _bin_of_rank(high, count)
    low = _histogram(x, lambda keys: keys[keys >> LOW == top] & ((1 << LOW) - 1))
    bottom, between = _bin_of_rank(low, count - above)
    threshold, ties = top << LOW | bottom, count - above - between
    found, cols = [], x.shape[1]
    for rows in row_chunks(*x.shape):
        keys = _magnitudes(x[rows])
        equal = np.flatnonzero(keys == threshold)[:ties]
        ties -= len(equal)
        found.append(rows.start * cols + np.sort(np.r_[np.flatnonzero(keys > threshold), equal]))
    return np.concatenate(found)


def least_scales(x: Float32s, flat: Int64s) -> Float64s:
    """The smallest scale with which every row's outliers stay below 2^23 units [rows]."""
    least = np.zeros(len(x))
    rows, columns = np.divmod(flat, x.shape[1])
    np.maximum.at(least, rows, np.abs(x[rows, columns]) / UNITS)
    return least


def with_outliers(matrix: TableMatrix, x: Float32s, flat: Int64s, code: int) -> TableMatrix:
    """The matrix with the weights of ``x`` at flat positions exact, over dense codes that all become ``code``."""
    rows, columns = np.divmod(flat, matrix.cols)
    matrix.codes[rows, columns] = code
    dense = np.full(len(flat), matrix.codebook[code], np.int64)
    if matrix.multipliers is not None:
        dense *= matrix.multipliers[rows, columns // matrix.group]
    scales = np.broadcast_to(matrix.scales, matrix.rows)[rows].astype(np.float64)
    units = np.rint(x[rows, columns] / np.where(scales > 0, scales, 1)).astype(np.int64)
    offsets = np.searchsorted(rows, np.arange(matrix.rows + 1)).astype(np.int64)
    return replace(matrix, outliers=Outliers(offsets, columns.astype(np.uint16), (units - dense).astype(np.int32)))


def _magnitudes(x: Float32s) -> Int64s:
    """Integers [n] in the order of |x|: its bits without the sign."""
    return np.abs(np.ascontiguousarray(x)).view(np.int32).reshape(-1).astype(np.int64)


def _histogram(x: Float32s, key: Callable[[Int64s], Int64s]) -> Int64s:
    counts = np.zeros(1 << 16, np.int64)
    for rows in row_chunks(*x.shape):
        counts += np.bincount(key(_magnitudes(x[rows])), minlength=len(counts))
    return counts


def _bin_of_rank(counts: Int64s, rank: int) -> tuple[int, int]:
    """The bin that holds the rank-th largest key, and how many keys lie in higher bins."""
    from_above = np.cumsum(counts[::-1])
    steps = int(np.searchsorted(from_above, rank))
    return len(counts) - 1 - steps, int(from_above[steps] - counts[::-1][steps])
