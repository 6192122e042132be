"""Codepoints as they are stored: small integers times one unit.

The rule for every format: int8 (|c| <= 127) if rounding the ideal codepoints to it adds at most 0.5 % to the relative
error R, else int16 with |c| <= 8191. The largest codepoint becomes that integer of 96..127 which rounds the others
best; this keeps 5-bit Normal codebooks in int8, which 127 alone would not.

>>> from tabulae.formats.distributions import NORMAL
>>> from tabulae.formats.density import source_density
>>> round_codebook(np.array([-1.5104, -0.4528, 0.4528, 1.5104]), source_density(NORMAL)).integers
array([-100,  -30,   30,  100], dtype=int16)
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.arithmetic.elementary import exp2, log2
from tabulae.formats.density import Density

INT8, INT16 = 127, 8191
TOLERANCE = 0.005
PEAKS = range(96, INT8 + 1)


@dataclass(frozen=True, eq=False)
class Codebook:
    """Ideal codepoints and the integers that stand for them."""

    values: Float64s  # [n], ascending, in units of what the scale measures (RMS or largest magnitude)
    integers: npt.NDArray[np.int16]  # [<= n], ascending, distinct
    unit: float  # values are about integers * unit
    added: float = 0.0  # what rounding to integers adds to R, as a share of R, on the data the codebook is for
    thresholds: Float64s | None = None  # [n - 1], between neighbours that are integers; None: halfway

    @property
    def wide(self) -> bool:
        """Whether the integers need 16 bits."""
        return int(np.abs(self.integers).max()) > INT8

    def padded(self, bits: int) -> npt.NDArray[np.int16]:
        """The integers, then zeros up to [2**bits]."""
        return np.pad(self.integers, (0, 2**bits - len(self.integers)))


def exact_codebook(integers: Int64s, unit: float) -> Codebook:
    """A codebook that consists of integers by nature."""
    return Codebook(np.multiply(integers, unit, dtype=np.float64), integers.astype(np.int16), unit)


def round_codebook(values: Float64s, density: Density) -> Codebook:
    """The integers for ideal ``values`` [n], chosen on the data that ``density`` stands for."""
    narrow = min((_rounded(values, peak, density) for peak in PEAKS), key=lambda book: book.added)
    return narrow if narrow.added <= TOLERANCE else _rounded(values, INT16, density)


def _rounded(values: Float64s, peak: int, density: Density) -> Codebook:
    unit = (float(np.abs(values).max()) or 1.0) / peak
    integers = np.unique(np.rint(values / unit).astype(np.int16))
    ideal, error = density.error(values), density.error(np.multiply(integers, unit, dtype=np.float64))
    added = sqrt(error / ideal) - 1 if ideal > 0 else (inf if error > 0 else 0.0)
    return Codebook(values, integers, unit, added)


def best_unit(integers: Int64s, density: Density) -> float:
    """The unit with which fixed integers lose least over a density of RMS 1: two scans, the second in .01 % steps."""
    unit = 2.0 / float(integers.max())
    for reach in (2.0, float(log2(1.02))):  # powers of two
        unit = min(unit * exp2(np.linspace(-reach, reach, 401)), key=lambda u: density.error(integers * u))
    return float(unit)
