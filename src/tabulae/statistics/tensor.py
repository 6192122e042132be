"""One record for every tensor: what a planner, a report or a doubtful reader wants to know of its weights.

Everything is exact over all weights but the two fits, which look at no more than 2^18 of them (whole rows, always the
same: ``sampled`` says how many). Working memory is a few pieces of 2^20 weights, whatever the tensor.

>>> zeros, x = np.zeros((2, 4), np.float32), np.float32([[1, 2, 3, 4], [0, 0, 0, 0]])
>>> found = {name: describe_tensor(w) for name, w in {"a": x, "b": zeros, "c": x.copy()}.items()}
>>> found["a"].dead_rows, found["b"].all_zero, duplicates(found)
(1, True, [('a', 'c')])
"""

from collections.abc import Mapping
from math import fsum

import msgspec
import numpy as np
import xxhash

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.arithmetic.matrix import row_chunks
from tabulae.formats.encoding import check_weights
from tabulae.statistics.families import Fit, fit_family
from tabulae.statistics.grid import CELLS, entropy_bits, grid_indices
from tabulae.statistics.rows import BEYOND, RowStatistics, describe_piece, joined
from tabulae.statistics.sample import MOST, sampled_rows

LEVELS = (0.0, 0.05, 0.5, 0.95, 1.0)


class Spread(msgspec.Struct, frozen=True):
    """How one figure is spread over the rows that are not dead."""

    least: float
    low: float  # 5 %
    median: float
    high: float  # 95 %
    most: float


class TensorStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one tensor; ratios and entropies are 0 and fits None where it is all zero."""

    shape: tuple[int, ...]
    fingerprint: str  # xxh3-128 of shape and weights: equal for equal tensors
    rms: float
    peak: float  # largest magnitude over RMS
    kurtosis: float  # 3 for Normal, 6 for Laplace
    zeros: float  # share of weights that are exactly 0
    beyond: float  # share of weights beyond 4 RMS of the tensor
    entropy: float  # bits on a grid of a quarter of the tensor's RMS: 4.05 for Normal
    fit: Fit | None  # of the weights as they are
    fit_rows: Fit | None  # of the weights over their row's RMS: what a format with a scale per row sees
    sampled: int  # weights that the fits looked at
    dead_rows: int
    row_rms: Spread
    row_peak: Spread
    row_kurtosis: Spread
    row_beyond: Spread  # beyond 4 RMS of the row
    row_entropy: Spread  # on a grid of a quarter of the row's RMS

    @property
    def all_zero(self) -> bool:
        """Whether there is nothing in it: it costs next to nothing in any format."""
        return self.rms == 0


def describe_tensor(x: Float32s, *, sample: int = MOST) -> TensorStatistics:
    """The figures of x, float32 [rows, cols] or [cols] (one row); they depend on nothing but x and ``sample``.

    :raises UsageError: x is not a float32 matrix or vector with something in it
    :raises ModelError: NaN, infinity, or a weight of 2^100 or more
    """
    matrix = np.atleast_2d(x)
    check_weights(matrix)
    rows, zeros, fingerprint = _first_pass(matrix, np.shape(x))
    rms = float(np.sqrt(fsum(rows.rms**2) / len(rows.rms)))
    beyond, entropy = _second_pass(matrix, rms)
    chosen = sampled_rows(len(matrix), matrix.shape[1], sample)
    fits = _fits(matrix[chosen], rows.rms[chosen])
    alive = rows.largest > 0
    scale = rms or 1.0
    return TensorStatistics(
        shape=tuple(np.shape(x)),
        fingerprint=fingerprint,
        rms=rms,
        peak=float(rows.largest.max()) / scale,
        kurtosis=fsum(rows.fourth) / len(matrix) / scale**4,
        zeros=zeros / matrix.size,
        beyond=beyond / matrix.size,
        entropy=entropy,
        fit=fits[0],
        fit_rows=fits[1],
        sampled=len(chosen) * matrix.shape[1],
        dead_rows=len(rows.dead),
        row_rms=_spread(rows.rms[alive]),
        row_peak=_spread(rows.peak[alive]),
        row_kurtosis=_spread(rows.kurtosis[alive]),
        row_beyond=_spread(rows.beyond[alive]),
        row_entropy=_spread(rows.entropy[alive]),
    )


def duplicates(statistics: Mapping[str, TensorStatistics]) -> list[tuple[str, ...]]:
    """Names of tensors that are equal in shape and every bit, in groups of two or more."""
    groups: dict[str, list[str]] = {}
    for name, one in statistics.items():
        groups.setdefault(one.fingerprint, []).append(name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


def _first_pass(x: Float32s, shape: tuple[int, ...]) -> tuple[RowStatistics, int, str]:
    """What every row says by itself, how many weights are 0, and the fingerprint."""
    parts, zeros, digest = [], 0, xxhash.xxh3_128(repr(tuple(int(n) for n in shape)).encode())
    for rows in row_chunks(*x.shape):
        piece = np.ascontiguousarray(x[rows])
        digest.update(piece.data)
        zeros += piece.size - int(np.count_nonzero(piece))
        parts.append(describe_piece(piece))
    return joined(parts), zeros, digest.hexdigest()


def _second_pass(x: Float32s, rms: float) -> tuple[int, float]:
    """What needs the tensor's RMS: how many weights lie beyond 4 of it, and the entropy on its grid."""
    beyond, counts = 0, np.zeros(CELLS, np.int64)
    if rms == 0:
        return 0, 0.0
    for rows in row_chunks(*x.shape):
        piece = x[rows]
        beyond += int(np.count_nonzero(np.abs(piece) > np.float32(BEYOND * rms)))
        counts += np.bincount(grid_indices(piece, np.array([rms])).reshape(-1), minlength=CELLS)
    return beyond, entropy_bits(counts)


def _fits(x: Float32s, rms: Float64s) -> tuple[Fit | None, Fit | None]:
    """The best families of x [rows, cols], as it is and with every row over its RMS [rows]."""
    over_rms = x / np.where(rms > 0, rms, 1)[:, None]
    return fit_family(x), fit_family(over_rms.astype(np.float32))


def _spread(values: Float64s) -> Spread:
    return Spread(*(float(q) for q in np.quantile(values, LEVELS))) if len(values) else Spread(0, 0, 0, 0, 0)
