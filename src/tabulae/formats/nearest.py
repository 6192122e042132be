"""Rounding to the nearest codepoint by one table look-up.

Codepoints are integers, so every threshold between two of them is a multiple of one half, and ceil(2 y) names an
interval without a threshold inside: the look-up is exact. A tie goes to the lower codepoint.

>>> nearest = Nearest(np.array([-3, 0, 4], np.int16))
>>> nearest.codes(np.array([-9.0, -1.5, -1.4, 2.0, 2.1], np.float32))
array([0, 0, 1, 1, 2], dtype=uint8)
"""

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Float64s, Uint8s
from tabulae.formats.codebook import Codebook


class Nearest:
    """The table for distinct ascending integers [n], n <= 256."""

    def __init__(self, integers: npt.NDArray[np.int16]) -> None:
        self._limit = 2 * int(np.abs(integers).max()) + 1
        halves = np.arange(-self._limit, self._limit + 1)  # the interval ((k - 1) / 2, k / 2]
        doubled = 2 * integers.astype(np.int64)
        self._codes = np.searchsorted((doubled[1:] + doubled[:-1]) // 2, halves).astype(np.uint8)
        self._values = integers.astype(np.float32)[self._codes]

    def codes(self, y: Float32s) -> Uint8s:
        """The code of the codepoint nearest to each y; same shape."""
        return self._codes.take(self._intervals(y))

    def values(self, y: Float32s) -> Float32s:
        """The codepoint nearest to each y, as float32; same shape."""
        return self._values.take(self._intervals(y))

    def _intervals(self, y: Float32s) -> npt.NDArray[np.intp]:
        halves = np.ceil(y * np.float32(2))
        np.clip(halves, -self._limit, self._limit, out=halves)
        intervals: npt.NDArray[np.intp] = halves.astype(np.intp)
        intervals += self._limit
        return intervals


class Shifted(Nearest):
    """All integers -k..k [n], with thresholds [n - 1] anywhere between two of them.

    >>> shifted = Shifted(np.array([-1, 0, 1], np.int16), np.array([-0.7, 0.7]))
    >>> shifted.values(np.array([-9, -0.7, -0.69, 0.71, 9], np.float32))
    array([-1., -1.,  0.,  1.,  1.], dtype=float32)
    """

    def __init__(self, integers: npt.NDArray[np.int16], thresholds: Float64s) -> None:
        self._limit = int(integers[-1])
        self._thresholds = np.append(thresholds, np.inf).astype(np.float32)

    def codes(self, y: Float32s) -> Uint8s:
        """The code on whose side of its thresholds each y lies; same shape."""
        below = np.floor(y)
        np.clip(below, -self._limit, self._limit, out=below)
        codes: npt.NDArray[np.intp] = below.astype(np.intp)
        codes += self._limit
        return (codes + (y > self._thresholds.take(codes))).astype(np.uint8)

    def values(self, y: Float32s) -> Float32s:
        """The integer for each y, as float32; same shape."""
        return self.codes(y).astype(np.float32) - np.float32(self._limit)


def nearest(codebook: Codebook) -> Nearest:
    """How weights are rounded to a codebook."""
    if codebook.thresholds is None:
        return Nearest(codebook.integers)
    return Shifted(codebook.integers, codebook.thresholds)
