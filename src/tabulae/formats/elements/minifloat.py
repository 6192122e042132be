"""``e2m1`` and ``e3m0``: the 4-bit floats of the OCP microscaling formats, here with our scales.

>>> E2M1().codebook("absmax", 32).integers
array([-12,  -8,  -6,  -4,  -3,  -2,  -1,   0,   1,   2,   3,   4,   6,
         8,  12], dtype=int16)
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from tabulae.formats.codebook import Codebook, best_unit, exact_codebook
from tabulae.formats.density import Base, source_density
from tabulae.formats.distributions import NORMAL
from tabulae.formats.element import Element


@dataclass(frozen=True)
class Minifloat(Element):
    """Mirrored magnitudes with one zero (15 of 16 codes); with ``rms`` the unit is the best one for a Normal."""

    scales = ("rms", "absmax", "search")
    magnitudes: ClassVar[tuple[int, ...]]
    bits: int = field(default=4, init=False)

    def codebook(self, base: Base, group: int | None) -> Codebook:
        """The mirrored magnitudes; the same for every group size."""
        upper = np.array(self.magnitudes)
        integers = np.r_[-upper[::-1], 0, upper]
        return exact_codebook(
            integers, best_unit(integers, source_density(NORMAL)) if base == "rms" else 1 / float(upper[-1])
        )


@dataclass(frozen=True)
class E2M1(Minifloat):
    """Two exponent bits, one mantissa bit: 0 .5 1 1.5 2 3 4 6, in halves."""

    name = "e2m1"
    magnitudes = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class E3M0(Minifloat):
    """Three exponent bits: powers of two; a product is a shift."""

    name = "e3m0"
    magnitudes = (1, 2, 4, 8, 16, 32, 64)
