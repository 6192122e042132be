"""``laplace:b``: for weights with exponential tails.

>>> Laplace(3).codebook("rms", None).values.round(6)[4:]
array([0.249856, 0.860121, 1.720243, 3.19063 ])
"""

from dataclasses import dataclass

from tabulae.formats.cube_root import CubeRootElement
from tabulae.formats.distributions import LAPLACE, Distribution


@dataclass(frozen=True)
class Laplace(CubeRootElement):
    """Cube-root codepoints of the Laplace density, 2 to 8 bits."""

    name = "laplace"

    def source(self) -> Distribution:
        """Laplace with RMS 1."""
        return LAPLACE
