"""Weight spread over a line, prepared so that the error of any codebook over it costs next to nothing.

Codebooks are judged, rounded and fitted on a ``Density``: that of a source, or a histogram of real weights.

>>> density = atoms(np.array([-1.0, 0.0, 1.0, 2.0]), np.ones(4))
>>> density.error(np.array([-1.0, 1.0]))  # 0 and 2 are each 1 away
2.0
"""

from functools import lru_cache
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.formats.distributions import Distribution

Base = Literal["rms", "absmax", "signmax"]  # what is scaled to 1: the RMS, or the (signed) largest magnitude
CELLS = 1 << 14


class Density:
    """Weights [n], each spread evenly over an interval; intervals [n, 2] ascend and do not overlap.

    An interval may be a single point. Real weights are better given a width: on points alone, a fit comes to rest at
    any threshold between two of them.
    """

    def __init__(self, intervals: Float64s, weights: Float64s) -> None:
        self._low, self._high = np.ascontiguousarray(intervals.T)
        self._weights, self._widths = weights, self._high - self._low
        self._sums = np.zeros((3, len(weights) + 1))  # moments 0, 1 and 2 of the first k intervals
        np.cumsum(weights * _moments(self._low, self._high), axis=1, out=self._sums[:, 1:])

    def cells(self, codebook: Float64s) -> Float64s:
        """Moments 0, 1 and 2 [3, n] of what is nearest to each of n ascending codepoints."""
        below = np.zeros((3, len(codebook) + 1))
        below[:, 1:-1] = self.below((codebook[1:] + codebook[:-1]) / 2)
        below[:, -1] = self._sums[:, -1]
        return below[:, 1:] - below[:, :-1]

    def error(self, codebook: Float64s) -> float:
        """The weighted squared error of rounding everything to its nearest codepoint."""
        w, wv, wvv = self.cells(codebook)
        return max(0.0, float(np.sum(wvv - 2 * codebook * wv + codebook**2 * w)))

    def quantiles(self, p: Float64s) -> Float64s:
        """Values below which the shares p, each in [0, 1], of the weight lie, to one interval; same shape."""
        running = self._sums[0, 1:]
        k = np.minimum(np.searchsorted(running, p * running[-1]), len(running) - 1)
        values: Float64s = (self._low[k] + self._high[k]) / 2
        return values

    def below(self, x: Float64s) -> Float64s:
        """Moments 0, 1 and 2 [3, m] of what lies below x [m]."""
        k = np.maximum(np.searchsorted(self._low, x) - 1, 0)
        low, width = self._low[k], self._widths[k]
        end = np.minimum(np.maximum(x, low), self._high[k])
        share = np.where(width > 0, (end - low) / np.where(width > 0, width, 1), x > low)
        below = _moments(low, end)
        below *= self._weights[k] * share
        below += self._sums[:, k]
        return below


def _moments(low: Float64s, high: Float64s) -> Float64s:
    """Moments 0, 1 and 2 [3, n] of weight 1 spread evenly from low to high [n]."""
    moments = np.ones((3, len(low)))
    moments[1] = (low + high) / 2
    moments[2] = (low * low + low * high + high * high) / 3
    return moments


def atoms(values: Float64s, weights: Float64s) -> Density:
    """The density of single ascending values [n]."""
    return Density(np.stack([values, values], axis=1), weights)


@lru_cache
def source_density(source: Distribution, unit: float = 1.0) -> Density:
    """The density of a distribution, times ``unit``, with weight 1; cells follow its cube root far into the tails."""
    edges = source.cube_root().quantiles(np.arange(1, CELLS) / CELLS)
    return Density(unit * _intervals(edges), np.diff(source.below(edges)))


@lru_cache
def block_density(source: Distribution, group: int, base: Base) -> Density:
    """The density of a block of data divided by its largest magnitude (``signmax``: by that value), with weight 1.

    One in ``group`` is the end point itself, the others follow the source truncated at the expected maximum.
    """
    maximum = source.maximum(group)
    edges = np.linspace(-1, 1, CELLS + 1)
    weights = np.diff(source.below(edges * maximum))
    weights *= (1 - 1 / group) / weights.sum()
    ends = [0.5 / group, 0.5 / group] if base == "absmax" else [0.0, 1 / group]
    intervals = np.concatenate([[[-1.0, -1.0]], _intervals(edges), [[1.0, 1.0]]])
    return Density(intervals, np.concatenate([ends[:1], weights, ends[1:]]))


def _intervals(edges: Float64s) -> Float64s:
    return np.stack([edges[:-1], edges[1:]], axis=1)
