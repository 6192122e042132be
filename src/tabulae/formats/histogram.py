"""A histogram of scaled weights, for codebooks that are fitted to them.

Bins are as wide as the upper 19 bits of a float32 tell apart: 2^-11 of the value, at any magnitude. A weight counts by
the square of its group's scale (and by its importance), so that a fit on the bins minimises the tensor's own error.
"""

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s
from tabulae.formats.density import Density, atoms
from tabulae.formats.search import divided

DROPPED = 13  # low bits of a float32
BINS = 1 << (32 - DROPPED)


class Histogram:
    """Weights of scaled values, added piece by piece; the same however a tensor is cut."""

    def __init__(self) -> None:
        self._mass = np.zeros(BINS)

    def add(self, x: Float32s, weights: Float32s | None, measured: Float64s, *, counted: bool = False) -> None:
        """Count x [n, groups, group] over ``measured`` [n, groups]; ``counted``: each as 1, where anything is."""
        bins = divided(x, measured).view(np.uint32).reshape(-1) >> DROPPED
        mass = np.broadcast_to((measured > 0 if counted else np.square(measured))[..., None], x.shape)
        if weights is not None and not counted:
            mass = mass * weights
        np.add.at(self._mass, bins, mass.reshape(-1))

    def density(self) -> Density:
        """The bins that hold anything, ascending by value; a single one at 0 if none does."""
        bins = np.flatnonzero(self._mass)
        if not len(bins):
            return atoms(np.zeros(1), np.ones(1))
        intervals = np.stack([_value(bins << DROPPED), _value((bins + 1 << DROPPED) - 1)], axis=1)
        intervals[bins & (BINS // 2 - 1) == 0] = 0  # zeros, and what is as good as zero
        order = np.argsort(intervals[:, 0])
        return Density(np.sort(intervals, axis=1)[order], self._mass[bins][order])


def _value(bits: Int64s) -> Float64s:
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)
