"""A weight matrix as integers: what a format produces, a file stores and a kernel reads.

``w[r, j] = float32(m[r, j // group] * c[code[r, j]] + o[r, j]) * scale[r]``; m and o may be absent (1 and 0).

>>> matrix = TableMatrix(
...     codes=np.array([[0, 1, 2, 3]], np.uint8), codebook=np.array([-3, -1, 1, 3], np.int16),
...     scales=np.array([0.5], np.float32), multipliers=np.array([[1, -2]], np.int8), group=2)
>>> matrix.decode()
array([[-1.5, -0.5, -1. , -3. ]], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Int8s, Int32s, Int64s, Uint8s

if TYPE_CHECKING:
    from tabulae.arithmetic.rotation import Rotation

CHUNK = 1 << 20  # weights handled at once: whole rows, so that working memory does not grow with the tensor


@dataclass(frozen=True)
class Outliers:
    """Integers added to single weights, row by row (compressed sparse rows).

    Those of row r stand at ``offsets[r] : offsets[r + 1]``, columns ascending.
    """

    offsets: Int64s  # [rows + 1]
    columns: npt.NDArray[np.uint16]  # [n]
    values: Int32s  # [n]

    def positions(self, rows: slice) -> tuple[Int64s, Int64s, Int64s]:
        """Row (counted from the slice's start), column and value of every outlier in a slice of rows, each [n]."""
        offsets = self.offsets[rows.start : rows.stop + 1]
        n = slice(int(offsets[0]), int(offsets[-1]))
        local = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        return local, self.columns[n].astype(np.int64), self.values[n].astype(np.int64)


@dataclass(frozen=True)
class TableMatrix:
    """A 2-D tensor [rows, cols] of codes with all that is needed to decode it."""

    codes: Uint8s  # [rows, cols], logical order
    codebook: npt.NDArray[np.int16]  # [2**bits], ascending where used, then 0; |c| <= 127 ("int8") or <= 8191
    scales: Float32s  # [rows], or [1] for one scale per tensor; each one a bfloat16 value
    multipliers: Int8s | None  # [rows, groups]; None: 1 everywhere
    group: int  # columns per group (cols without multipliers); the last group may be short
    outliers: Outliers | None = None
    exponents: int = 4  # E of the activation codes of its input
    rotation: Rotation | None = None

    @property
    def rows(self) -> int:
        """Number of rows (outputs)."""
        return int(self.codes.shape[0])

    @property
    def cols(self) -> int:
        """Number of columns (inputs)."""
        return int(self.codes.shape[1])

    @property
    def bits(self) -> int:
        """Bits per code."""
        return len(self.codebook).bit_length() - 1

    @property
    def groups(self) -> int:
        """Scale groups per row."""
        return -(-self.cols // self.group)

    def decode(self) -> Float32s:
        """The weights, float32 [rows, cols] (of the rotated matrix where the input is rotated)."""
        out = np.empty(self.codes.shape, np.float32)
        for rows in row_chunks(self.rows, self.cols):
            out[rows] = self._decode(rows)
        return out

    def row(self, r: int) -> Float32s:
        """The weights of row r, float32 [cols]: an embedding look-up."""
        r = range(self.rows)[r]
        return self._decode(slice(r, r + 1)).reshape(self.cols)

    def _decode(self, rows: slice) -> Float32s:
        values = self.codebook.astype(np.float32)[self.codes[rows]]  # [n, cols]
        if self.multipliers is not None:
            factors = np.repeat(self.multipliers[rows].astype(np.float32), self.group, axis=1)
            values *= factors[:, : self.cols]  # |m * c| <= 127 * 8191 < 2**24: exact
        if self.outliers is not None:
            r, j, o = self.outliers.positions(rows)
            values[r, j] = (values[r, j].astype(np.int64) + o).astype(np.float32)
        values *= (self.scales[rows] if len(self.scales) > 1 else self.scales)[:, None]
        return values


def row_chunks(rows: int, cols: int) -> Iterator[slice]:
    """Slices of whole rows of about ``CHUNK`` weights each, at least one row.

    >>> list(row_chunks(3, CHUNK // 2))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    step = max(1, CHUNK // max(1, cols))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))
