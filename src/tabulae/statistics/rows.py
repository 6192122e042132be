"""Figures of every row of a tensor, in one pass over pieces of whole rows.

>>> rows = describe_rows(np.float32([[3, -4, 0, 0], [0, 0, 0, 0]]))
>>> rows.rms, rows.peak.round(2), rows.dead
(array([2.5, 0. ]), array([1.6, 0. ]), array([1]))
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s
from tabulae.arithmetic.matrix import row_chunks
from tabulae.statistics.grid import entropies, grid_indices, row_counts

BEYOND = 4.0  # RMS: 1 of 15,787 weights of a Normal source lies further out


@dataclass(frozen=True, eq=False)
class RowStatistics:
    """One number for every row; all 0 where a row is."""

    rms: Float64s  # [rows]
    largest: Float64s  # largest magnitude
    fourth: Float64s  # mean of w^4
    beyond: Float64s  # share of the weights beyond ``BEYOND`` times the row's RMS
    entropy: Float64s  # bits, on a grid of a quarter of the row's RMS

    @property
    def peak(self) -> Float64s:
        """Largest magnitude over RMS: what a scale by the maximum has to span."""
        return _ratio(self.largest, self.rms)

    @property
    def kurtosis(self) -> Float64s:
        """Mean of w^4 over the squared mean of w^2: 3 for Normal, 6 for Laplace."""
        return _ratio(self.fourth, self.rms**4)

    @property
    def dead(self) -> Int64s:
        """Rows that are all zero, ascending."""
        return np.flatnonzero(self.largest == 0).astype(np.int64)


def describe_rows(x: Float32s) -> RowStatistics:
    """The figures of x, float32 [rows, cols], finite."""
    return joined(describe_piece(x[rows]) for rows in row_chunks(*x.shape))


def describe_piece(x: Float32s) -> RowStatistics:
    """:func:`describe_rows` of so few rows that ten times their memory does not matter."""
    largest = np.maximum(x.max(axis=1), -x.min(axis=1)).astype(np.float64)
    squares = np.square(x, dtype=np.float64)
    rms = np.sqrt(squares.mean(axis=1))
    beyond = (squares > (BEYOND * rms[:, None]) ** 2).mean(axis=1)
    fourth = np.square(squares, out=squares).mean(axis=1)
    return RowStatistics(rms, largest, fourth, beyond, entropies(row_counts(grid_indices(x, rms))))


def joined(parts: Iterable[RowStatistics]) -> RowStatistics:
    """The rows of all parts, one after the other."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return RowStatistics(*(np.concatenate(column) for column in columns))


def _ratio(a: Float64s, b: Float64s) -> Float64s:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
