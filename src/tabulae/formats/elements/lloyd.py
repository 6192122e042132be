"""``lloyd:b``: the codebook that loses least on the very weights it is for (Lloyd 1982, Max 1960).

It is stored with the weights and counted. Deterministic: it starts from the best partition of some hundred cells and
iterates to rest. Before weights are known it is the one for a Normal:

>>> Lloyd(2).codebook("rms", None).values.round(2)
array([-1.51, -0.45,  0.45,  1.51])
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float64s
from tabulae.arithmetic.elementary import interpolate, power
from tabulae.formats.codebook import Codebook, round_codebook
from tabulae.formats.density import Base, Density, block_density, source_density
from tabulae.formats.distributions import NORMAL
from tabulae.formats.element import FittedElement, check_bits

ROW = 1024  # the block size that stands for a whole row or tensor as long as no weights are known
CELLS = 512
ITERATIONS = 5000
REST = 1e-9  # of the largest codepoint: no codepoint moves by more than this


@dataclass(frozen=True)
class Lloyd(FittedElement):
    """Lloyd-Max codepoints of the weights divided by their scales, 2 to 8 bits."""

    name = "lloyd"

    def __post_init__(self) -> None:
        check_bits(self, 2, 8)

    def codebook(self, base: Base, group: int | None) -> Codebook:
        """The codebook for Normal weights."""
        return self.fit(source_density(NORMAL) if base == "rms" else block_density(NORMAL, group or ROW, base))

    def fit(self, density: Density) -> Codebook:
        """The codebook for weights that were divided by their scales."""
        return round_codebook(lloyd_max(density, 2**self.bits), density)


def lloyd_max(density: Density, n: int) -> Float64s:
    """At most n ascending codepoints, each the mean of what is nearest to it; fewer if there are fewer values."""
    values = _best_partition(density, n)
    for _ in range(ITERATIONS):
        means = _means(density.cells(values))
        moved = len(means) < len(values) or np.abs(means - values).max() > REST * np.abs(means).max()
        values = means
        if not moved:
            break
    return values


def _best_partition(density: Density, n: int) -> Float64s:
    """The means of the n runs of cells that lose least of all such runs, by dynamic programming.

    Iterating from anywhere else can end in a poor place: a single far weight may keep a codepoint for itself.
    """
    sums = density.below(_companded(density, max(CELLS, 4 * n)))
    cost = _costs(sums)
    total, choices, extended, every = cost[:, 0], [], np.empty_like(cost), np.arange(len(cost))
    for _ in range(n - 1):
        np.add(cost, total, out=extended)
        choices.append(extended.argmin(axis=1))  # along memory, which is twice as fast
        total = extended[every, choices[-1]]
    cuts = [len(total) - 1]
    for choice in reversed(choices):
        cuts.append(choice[cuts[-1]])
    return _means(np.diff(sums[:, [0, *reversed(cuts)]], axis=1))


def _costs(sums: Float64s) -> Float64s:
    """The squared error [j, i] of one codepoint for cells i up to j, from running moments [3, m] at their edges."""
    w, wv, wvv = (moment[:, None] - moment for moment in sums)
    errors: Float64s = wvv
    np.copyto(w, 1, where=w <= 0)
    wv *= wv
    wv /= w
    errors -= wv  # in place: the pages of a new array cost more than the sums
    np.maximum(errors, 0, out=errors)
    np.copyto(errors, np.inf, where=_before(len(w)))
    return errors


@lru_cache(maxsize=4)
def _before(n: int) -> Bools:
    """Where j < i [j, i]."""
    return np.tri(n, k=-1, dtype=bool).T


def _means(cells: Float64s) -> Float64s:
    used = cells[0] > 0
    means: Float64s = cells[1, used] / cells[0, used]
    return means


def _companded(density: Density, cells: int) -> Float64s:
    """Edges of cells that follow the cube root of the density, estimated from 4 times as many cells of equal weight."""
    quantiles = density.quantiles(np.linspace(0, 1, 4 * cells + 1))
    reach = np.r_[
        0.0, np.cumsum(power(np.diff(quantiles), 2 / 3))
    ]  # density ~ 1 / width: its cube root times the width
    edges = interpolate(np.linspace(0, reach[-1], cells + 1), reach, quantiles)
    return np.concatenate([[-np.inf], edges[1:-1], [np.inf]])
