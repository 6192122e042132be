"""``lloyd:b``: the codebook that loses least on the very weights it is for (Lloyd 1982, Max 1960).

It is stored with the weights and counted. Deterministic: it starts from the cube root of the estimated density and
iterates to rest. Before weights are known it is the one for a Normal:

>>> Lloyd(2).codebook("rms", None).values.round(2)
array([-1.51, -0.45,  0.45,  1.51])
"""

from dataclasses import dataclass

import numpy as np

from tabulae.formats.codebook import Codebook, round_codebook
from tabulae.formats.distributions import NORMAL, Float64s
from tabulae.formats.element import FittedElement, check_bits
from tabulae.formats.density import Base, Density, block_density, source_density

ROW = 1024  # the block size that stands for a whole row or tensor as long as no weights are known
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
    values = _companded(density, n)
    for _ in range(ITERATIONS):
        w, wv, _ = density.cells(values)
        used = w > 0
        means = wv[used] / w[used]
        moved = len(means) < len(values) or np.abs(means - values).max() > REST * np.abs(means).max()
        values = means
        if not moved:
            break
    return values


def _companded(density: Density, n: int) -> Float64s:
    """n codepoints spread by the cube root of the density, estimated from 16 n cells of equal weight."""
    edges = density.quantiles(np.linspace(0, 1, 16 * n + 1))
    reach = np.r_[0.0, np.cumsum(np.diff(edges) ** (2 / 3))]  # density ~ 1 / width: its cube root times the width
    return np.unique(np.interp((np.arange(n) + 0.5) / n * reach[-1], reach, edges))
