"""Rows of a stored tensor as float32, piece by piece: little memory beyond the rows, NaN and Inf found on the way."""

import math
from collections.abc import Callable

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import ModelError, UsageError

_PIECE = 1 << 20  # elements decoded at once: 4 MB of float32, so that temporaries stay small and in cache


def read_rows(
    name: str,
    shape: tuple[int, ...],
    rows: slice | None,
    decode: Callable[[int, int], Float32s],
) -> Float32s:
    """Fill a fresh array from ``decode(first, last)``, which gives those rows of the first axis in any shape.

    A tensor of one axis is decoded whole (its blocks cannot be cut) and sliced afterwards.

    >>> data = np.arange(6, dtype=np.float32).reshape(3, 2)
    >>> read_rows("w", (3, 2), slice(1, 3), lambda first, last: data[first:last])
    array([[2., 3.],
           [4., 5.]], dtype=float32)
    """
    first, last = _bounds(name, shape, rows)
    if len(shape) < 2:
        whole = np.array(decode(0, shape[0] if shape else 1), dtype=np.float32).reshape(shape or (1,))
        _check_finite(name, whole, 0)
        return whole[first:last].copy() if shape else whole.reshape(())
    out = np.empty((last - first, *shape[1:]), dtype=np.float32)
    step = max(1, _PIECE // max(1, math.prod(shape[1:])))
    for start in range(first, last, step):
        stop = min(start + step, last)
        piece = out[start - first : stop - first]
        piece[...] = decode(start, stop).reshape(piece.shape)
        _check_finite(name, piece, start)
    return out


def share_of(name: str, shape: tuple[int, ...], rows: slice | None) -> float:
    """The share of a tensor that these rows are.

    >>> share_of("w", (8, 3), slice(2, 4))
    0.25
    """
    first, last = _bounds(name, shape, rows)
    return (last - first) / max(1, shape[0] if shape else 1)


def _bounds(name: str, shape: tuple[int, ...], rows: slice | None) -> tuple[int, int]:
    if rows is None:
        return 0, shape[0] if shape else 1
    if not shape or rows.step not in (None, 1):
        raise UsageError(name, "rows must be a slice of the first axis with step 1", f"{rows} of shape {shape}")
    first, last, _ = rows.indices(shape[0])
    return first, max(first, last)


def _check_finite(name: str, piece: Float32s, first_row: int) -> None:
    finite = np.isfinite(piece)
    if finite.all():
        return
    index = np.unravel_index(int(np.argmin(finite)), piece.shape)
    place = [int(index[0]) + first_row, *map(int, index[1:])]
    raise ModelError(
        name, "all weights must be finite", f"{piece[index]} at {place}", "the trained model is damaged: get it again"
    )
