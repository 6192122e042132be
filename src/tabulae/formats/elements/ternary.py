"""``ternary``: -1, 0 and 1 in two bits a weight; use it with ``search``, a maximum makes nearly all weights 0.

>>> Ternary().codebook("absmax", 64).integers
array([-1,  0,  1], dtype=int16)
"""

from dataclasses import dataclass, field

import numpy as np

from tabulae.formats.codebook import Codebook, exact_codebook
from tabulae.formats.density import Base
from tabulae.formats.element import Element


@dataclass(frozen=True)
class Ternary(Element):
    """Three of the four codes of two bits."""

    name = "ternary"
    scales = ("absmax", "search")
    bits: int = field(default=2, init=False)

    def codebook(self, base: Base, group: int | None) -> Codebook:
        """Minus one, zero and one."""
        return exact_codebook(np.array([-1, 0, 1]), 1.0)
