"""``normal:b``: for weights that look Normal, as most trained matrices nearly do.

>>> Normal(3).codebook("rms", None).values.round(6)[4:]
array([0.241985, 0.746042, 1.324516, 2.114211])
"""

from dataclasses import dataclass

from tabulae.formats.cube_root import CubeRootElement
from tabulae.formats.distributions import NORMAL, Distribution


@dataclass(frozen=True)
class Normal(CubeRootElement):
    """Cube-root codepoints of the Normal density, 2 to 8 bits."""

    name = "normal"

    def source(self) -> Distribution:
        """Normal with RMS 1."""
        return NORMAL
