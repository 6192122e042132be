"""``int:b``: evenly spaced codepoints.

>>> Integer(3).codebook("absmax", 64).integers
array([-4, -3, -2, -1,  0,  1,  2,  3], dtype=int16)
>>> Integer(2, sign="sym").codebook("absmax", 64).values  # -1.5 -0.5 0.5 1.5, stored as odd integers
array([-1.        , -0.33333333,  0.33333333,  1.        ])
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.formats.codebook import Codebook, best_unit, exact_codebook
from tabulae.formats.density import Base, source_density
from tabulae.formats.distributions import NORMAL
from tabulae.formats.element import Element, check_bits, check_sign


@dataclass(frozen=True)
class Integer(Element):
    """-2^(b-1) .. 2^(b-1)-1, at 8 bits -127 .. 127; ``sign=sym``: the odd integers, 2 to 7 bits.

    With ``signmax`` the table is mirrored, so that the longer side lies where the largest magnitude is. With ``rms``
    the unit is the best one for a Normal.
    """

    name = "int"
    sign: str = "asym"

    def __post_init__(self) -> None:
        check_sign(self.name, self.sign)
        check_bits(self, 2, 8 if self.sign == "asym" else 7)

    def codebook(self, base: Base, group: int | None) -> Codebook:
        """The integers; the same for every group size."""
        integers = self._integers()
        if base == "rms":
            return exact_codebook(integers, best_unit(integers, source_density(NORMAL)))
        if base == "signmax":
            integers = -integers[::-1]
        end = integers[-1] if base == "signmax" else min(-integers[0], integers[-1])
        return exact_codebook(integers, 1 / float(end))

    def _integers(self) -> Int64s:
        half = 2 ** (self.bits - 1)
        if self.sign == "sym":
            return np.arange(1 - 2 * half, 2 * half, 2)
        return np.arange(max(-half, -127), half)
