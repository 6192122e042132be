"""Codebooks from closed forms: points spread by the cube root of a density (Panter and Dite 1951).

The probability grids and the model of a block divided by its largest magnitude are those of Orr, Ribar and Luschi,
"Optimal Formats for Weight Quantisation" (arXiv 2505.12988).

>>> from tabulae.formats.distributions import NORMAL
>>> cube_root_values(NORMAL, 4, "absmax", "sym", 64).round(6)
array([-1.      , -0.254029,  0.254029,  1.      ])
"""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.formats.codebook import Codebook, round_codebook
from tabulae.formats.density import Base, block_density, source_density
from tabulae.formats.distributions import Distribution
from tabulae.formats.element import Element, check_bits, check_sign


@dataclass(frozen=True)
class CubeRootElement(Element):
    """A family that is one distribution; ``sign=asym`` has a codepoint at zero, ``sym`` has not."""

    sign: str = "sym"

    def __post_init__(self) -> None:
        check_bits(self, 2, 8)
        check_sign(self.name, self.sign)

    @abstractmethod
    def source(self) -> Distribution:
        """The distribution of the data, with RMS 1."""

    def codebook(self, base: Base, group: int | None) -> Codebook:
        """The codepoints in units of ``base``; a row or tensor by its maximum takes the RMS points, scaled."""
        values = cube_root_values(self.source(), 2**self.bits, base, self.sign, group)
        if base == "rms":
            return round_codebook(values, source_density(self.source()))
        if group is not None:
            return round_codebook(values, block_density(self.source(), group, base))
        end = min(-values[0], values[-1])  # both ends must reach the largest magnitude
        return round_codebook(values / end, source_density(self.source(), 1 / end))


def cube_root_values(source: Distribution, n: int, base: Base, sign: str, group: int | None) -> Float64s:
    """n ascending codepoints, n even: in units of the RMS unless both a group and its maximum are given."""
    if base == "rms" or group is None:
        values = source.cube_root().quantiles(0.5 + _rms_grid(n, sign))
    else:
        maximum = source.maximum(group)
        inside = 1 - 2 * source.cube_root().below(np.array(-maximum))
        grid = 0.5 + _block_grid(n, "signmax" if base == "signmax" else sign) * inside
        values = source.cube_root().quantiles(grid) / maximum
    return (values - values[::-1]) / 2 if sign == "sym" and base != "signmax" else values


def _rms_grid(n: int, sign: str) -> Float64s:
    """Probabilities less one half; the ends, where the quantiles are infinite, are left out."""
    if sign == "sym":
        return np.linspace(-0.5, 0.5, n + 2)[1:-1]
    return np.concatenate([np.linspace(-0.5, 0, n // 2 + 1)[1:], np.linspace(0, 0.5, n // 2 + 2)[1:-1]])


def _block_grid(n: int, kind: str) -> Float64s:
    """Probabilities less one half; sym and asym reach both ends, signmax only the upper one."""
    h = n // 2
    if kind == "sym":
        return np.linspace(-0.5, 0.5, n)
    if kind == "asym":
        return np.concatenate([np.linspace(-0.5, 0, h), np.linspace(0, 0.5, h + 1)[1:]])
    return np.concatenate([np.linspace(-0.5, 0, h + 1)[1:], np.linspace(0, 0.5, h + 1)[1:]])
