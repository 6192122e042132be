"""``nf4`` and ``sf4``: 16 evenly spaced quantiles of a Normal (QLoRA, arXiv 2305.14314) or of Student's t with
nu = 5 (arXiv 2405.03103), scaled so that both ends are 1.

They spread points by the density itself; ``normal:4`` and ``t:4``, by its cube root, lose less squared error.

>>> NF4().codebook("absmax", 64).values.round(4)[8:]
array([0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.723 , 1.    ])
"""

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from tabulae.formats.codebook import Codebook, round_codebook
from tabulae.formats.density import Base, block_density
from tabulae.formats.distributions import NORMAL, Distribution, StudentT
from tabulae.formats.element import Element

OUTERMOST = 1 - (1 / 32 + 1 / 30) / 2  # half a step of 16 and of 15 even steps away from probability 1
JUDGED_AT = 64  # the group size whose data choose the rounding to integers


@dataclass(frozen=True)
class Quantile4(Element):
    """Eight codepoints above zero, zero, and seven below."""

    scales = ("absmax", "search")
    bits: int = field(default=4, init=False)

    @abstractmethod
    def source(self) -> Distribution:
        """The distribution whose quantiles these are."""

    def codebook(self, base: Base, group: int | None) -> Codebook:
        """The same 16 values for every group size."""
        upper = self.source().quantiles(np.linspace(0.5, OUTERMOST, 9)[1:])
        lower = self.source().quantiles(np.linspace(0.5, OUTERMOST, 8)[1:])
        values = np.r_[-lower[::-1], 0.0, upper] / upper[-1]
        return round_codebook(values, block_density(self.source(), JUDGED_AT, "absmax"))


@dataclass(frozen=True)
class NF4(Quantile4):
    """Quantiles of a Normal."""

    name = "nf4"

    def source(self) -> Distribution:
        """Normal with RMS 1."""
        return NORMAL


@dataclass(frozen=True)
class SF4(Quantile4):
    """Quantiles of Student's t, nu = 5."""

    name = "sf4"

    def source(self) -> Distribution:
        """Student's t with RMS 1."""
        return StudentT.unit(5.0)
