"""Proofs that the integers of a linear fit, from its actual codes, with every activation code 127 and exponent E.

Blocks are 32 columns. A *chunk* is a run of blocks whose shifted sums a kernel may add in one int32; chunks
are counted from the start of every scale group (of the row, where there are no multipliers) and never reach
into the next group, so the last chunk of a group may be short.
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.activations import BLOCK
from tabulae.arithmetic.arrays import Int64s, Uint8s
from tabulae.arithmetic.matrix import TableMatrix, row_chunks
from tabulae.errors import UsageError

INT32 = 2**31 - 1
EXACT = 2**53  # integers below convert to float32 by one rounding on every machine, also by way of float64
LARGEST_CODE = 127
PANEL = 16  # rows that one number is for: a byte for every row would take 1.4 % of all bits of a small model


@dataclass(frozen=True, eq=False)
class Widths:
    """What :func:`prove` found: valid for these codes and this E only."""

    chunk: int  # blocks, a power of two
    accumulator: int  # bits of the row total: 32 or 64
    panels: Uint8s  # [ceil(rows / 16)]: |A[r]| < 2^panels[r // 16], the smallest such number


def prove(matrix: TableMatrix) -> Widths:
    """The widths of one linear.

    With ``S = sum_j |c| * 127 * 2^E`` of a block: *chunk* is the largest power of two of blocks for which the S of
    every chunk of every row sum to at most 2^31 - 1, and no more than needed to cover a group; a row's bound is
    ``sum_g |m| * sum S + sum |o| * 127 * 2^E``; *accumulator* is 32 where no row's bound passes 2^31 - 1.

    :raises UsageError: a single block may pass int32, or a row 2^53
    """
    blocks = -(-matrix.group // BLOCK)
    chunk, bounds = 1 << (blocks - 1).bit_length(), []
    for rows in row_chunks(matrix.rows, matrix.cols):
        sums = _block_sums(matrix, rows)  # [n, groups, blocks]
        chunk = _fitting(sums, chunk)
        bounds.append(_row_bounds(matrix, sums, rows))
    bound = np.concatenate(bounds)
    if bound.max() >= EXACT:
        worst = f"{bound.max()} in row {bound.argmax()}"
        raise UsageError(
            "widths", "every row total must stay below 2^53", worst, "use fewer exponents or narrower codes"
        )
    largest = np.maximum.reduceat(bound, np.arange(0, len(bound), PANEL))
    return Widths(chunk, 32 if bound.max() <= INT32 else 64, _bit_lengths(largest))


def _block_sums(matrix: TableMatrix, rows: slice) -> Int64s:
    """S of every block, [n, groups, blocks]; zero blocks fill short groups, and each group up to a power of two."""
    blocks = -(-matrix.group // BLOCK)
    size = np.abs(matrix.codebook)[matrix.codes[rows]]  # |c|, int16 [n, cols]
    size = np.pad(size, ((0, 0), (0, matrix.groups * blocks * BLOCK - matrix.cols)))
    sums = size.reshape(len(size), matrix.groups, blocks, BLOCK).sum(axis=3, dtype=np.int64)
    sums *= LARGEST_CODE << matrix.exponents
    return np.pad(sums, ((0, 0), (0, 0), (0, (1 << (blocks - 1).bit_length()) - blocks)))


def _fitting(sums: Int64s, chunk: int) -> int:
    """The largest chunk of at most ``chunk`` blocks that fits int32 in all these rows."""
    while (largest := int(sums.reshape(*sums.shape[:2], -1, chunk).sum(axis=3).max())) > INT32:
        if chunk == 1:
            raise UsageError("widths", "a shifted block sum must fit int32", largest, "use fewer exponents")
        chunk //= 2
    return chunk


def _row_bounds(matrix: TableMatrix, sums: Int64s, rows: slice) -> Int64s:
    """The bound on |A[r]|, int64 [n]."""
    groups = sums.sum(axis=2)
    if matrix.multipliers is not None:
        groups *= np.abs(matrix.multipliers[rows].astype(np.int64))
    bounds: Int64s = groups.sum(axis=1)
    if matrix.outliers is not None:
        r, _, o = matrix.outliers.positions(rows)
        np.add.at(bounds, r, np.abs(o) * (LARGEST_CODE << matrix.exponents))
    return bounds


def _bit_lengths(bounds: Int64s) -> Uint8s:
    """Smallest n with ``bound < 2^n``: the exponent of the float64, which is exact below 2^53."""
    return np.frexp(bounds.astype(np.float64))[1].astype(np.uint8)
