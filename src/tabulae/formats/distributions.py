"""The sources that closed-form codebooks are made for: symmetric densities with their cube roots and maxima.

A codebook of n points loses least squared error where the density of points follows the cube root of the density of
the data (Panter and Dite 1951); within these families that cube root is a member again. Expected maxima of ``n``
samples are the approximations of Orr, Ribar and Luschi (arXiv 2505.12988), good from about n = 32.

>>> round(NORMAL.cube_root().scale, 6), round(NORMAL.maximum(64), 4)
(1.732051, 2.4553)
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.arithmetic.elementary import exp, log, power
from tabulae.formats.probabilities import normal_below, normal_quantiles, student_below, student_quantiles

EULER = 0.5772156649015329


class Distribution(ABC):
    """A density that is symmetric about zero."""

    @abstractmethod
    def below(self, x: Float64s) -> Float64s:
        """The probability of a value below each x; same shape."""

    @abstractmethod
    def quantiles(self, p: Float64s) -> Float64s:
        """The values below which the probabilities p, each in (0, 1), lie; same shape."""

    @abstractmethod
    def cube_root(self) -> "Distribution":
        """The distribution whose density is proportional to the cube root of this one."""

    @abstractmethod
    def maximum(self, n: int) -> float:
        """About the expected largest magnitude among n samples, n >= 4."""


@dataclass(frozen=True)
class Normal(Distribution):
    """The Normal density; ``scale`` is its RMS."""

    scale: float = 1.0

    def below(self, x: Float64s) -> Float64s:
        """The probability of a value below each x; same shape."""
        return normal_below(x / self.scale)

    def quantiles(self, p: Float64s) -> Float64s:
        """The values below which the probabilities p lie."""
        return self.scale * normal_quantiles(p)

    def cube_root(self) -> "Normal":
        """Again Normal, wider by sqrt(3)."""
        return Normal(self.scale * sqrt(3))

    def maximum(self, n: int) -> float:
        """About the expected largest magnitude among n samples."""
        return self.scale * sqrt(2 * float(log(n / pi)))


@dataclass(frozen=True)
class Laplace(Distribution):
    """The two-sided exponential density; its RMS is sqrt(2) times ``scale``."""

    scale: float = 1 / sqrt(2)

    def below(self, x: Float64s) -> Float64s:
        """The probability of a value below each x; same shape."""
        tail = 0.5 * exp(-np.abs(x) / self.scale)
        return np.where(x < 0, tail, 1 - tail)

    def quantiles(self, p: Float64s) -> Float64s:
        """The values below which the probabilities p lie."""
        values: Float64s = np.sign(p - 0.5) * -self.scale * log(2 * np.minimum(p, 1 - p))
        return values

    def cube_root(self) -> "Laplace":
        """Again Laplace, three times as wide."""
        return Laplace(3 * self.scale)

    def maximum(self, n: int) -> float:
        """About the expected largest magnitude among n samples."""
        return self.scale * (EULER + float(log(n)))


@dataclass(frozen=True)
class StudentT(Distribution):
    """Student's t density with ``nu`` degrees of freedom."""

    nu: float
    scale: float

    @staticmethod
    def unit(nu: float) -> "StudentT":
        """The one with RMS 1; nu > 2."""
        return StudentT(nu, sqrt((nu - 2) / nu))

    def below(self, x: Float64s) -> Float64s:
        """The probability of a value below each x; same shape."""
        return student_below(self.nu, x / self.scale)

    def quantiles(self, p: Float64s) -> Float64s:
        """The values below which the probabilities p lie."""
        return self.scale * student_quantiles(self.nu, p)

    def cube_root(self) -> "StudentT":
        """Again Student's t, with (nu - 2) / 3 degrees of freedom."""
        nu = (self.nu - 2) / 3
        return StudentT(nu, self.scale * sqrt(self.nu / nu))

    def maximum(self, n: int) -> float:
        """About the expected largest magnitude among n samples."""
        tail = power(n * power(2 * log(n / pi), (self.nu - 3) / 2), 1 / self.nu)
        return self.scale * float(tail) * sqrt(self.nu / (self.nu - 2))


NORMAL = Normal()
LAPLACE = Laplace()
