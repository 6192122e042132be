"""A tensor cut into pieces of whole rows and scale groups, so that working memory stays small.

>>> pieces = Pieces(np.ones((2, 5), np.float32), group=4)
>>> [(piece.x.shape, piece.weights[0].tolist()) for piece in pieces]
[((2, 2, 4), [[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]])]
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s
from tabulae.arithmetic.matrix import row_chunks


@dataclass(frozen=True)
class Piece:
    """Some rows of a tensor; outliers and columns beyond the last are 0 and weigh nothing."""

    rows: slice
    x: Float32s  # [n, groups, group]
    weights: Float32s | None  # the same shape, 0..1: importance; None: 1 everywhere

    def some(self, every: int) -> "Piece":
        """One of so many rows of the tensor, the same ones however it is cut."""
        rows = slice(-self.rows.start % every, None, every)
        return Piece(self.rows, self.x[rows], None if self.weights is None else self.weights[rows])

    def inner(self, a: Float32s, b: Float32s) -> Float64s:
        """Weighted sums of products over every row [n]; a and b [n, groups, group]."""
        products = np.multiply(a, b, dtype=np.float64)
        if self.weights is not None:
            products *= self.weights
        sums: Float64s = products.reshape(len(a), -1).sum(axis=1)
        return sums


@dataclass(frozen=True)
class Pieces:
    """A tensor x [rows, cols] with what is said of its weights; iterating yields each ``Piece``."""

    x: Float32s
    group: int
    importance: Float32s | None = None  # [cols] or [rows, cols]
    outliers: Int64s = field(default_factory=lambda: np.empty(0, np.int64))  # flat positions, ascending

    def __iter__(self) -> Iterator[Piece]:
        rows, cols = self.x.shape
        for chunk in row_chunks(rows, cols):
            first, last = np.searchsorted(self.outliers, [chunk.start * cols, chunk.stop * cols])
            outliers = self.outliers[first:last] - chunk.start * cols
            yield self._piece(chunk, outliers)

    @property
    def columns(self) -> Int64s:
        """How many columns each group has [groups]; only the last can have fewer."""
        cols = self.x.shape[1]
        counts: Int64s = np.diff(np.r_[0 : cols : self.group, cols])
        return counts

    @cached_property
    def _loudest(self) -> float:
        return 1.0 if self.importance is None else float(self.importance.max()) or 1.0

    def _piece(self, rows: slice, outliers: Int64s) -> Piece:
        x = np.ascontiguousarray(self.x[rows])
        weights = self._weights(rows, outliers)
        if len(outliers):
            x = x.copy()
            x.reshape(-1)[outliers] = 0
        return Piece(rows, self._grouped(x), None if weights is None else self._grouped(weights))

    def _weights(self, rows: slice, outliers: Int64s) -> Float32s | None:
        """[n, cols], or None where all weights count alike."""
        if self.importance is None and not len(outliers) and self.x.shape[1] % self.group == 0:
            return None
        weights = np.ones(self.x[rows].shape, np.float32)
        if self.importance is not None:
            weights *= self.importance if self.importance.ndim == 1 else self.importance[rows]
            weights /= np.float32(self._loudest)
        weights.reshape(-1)[outliers] = 0
        return weights

    def _grouped(self, a: Float32s) -> Float32s:
        short = -a.shape[1] % self.group
        padded = np.pad(a, ((0, 0), (0, short))) if short else a
        return padded.reshape(len(a), -1, self.group)
