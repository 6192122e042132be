"""Probabilities and quantiles of Normal and Student's t with the same bits on every machine.

Codebooks follow from them, so they are made of :mod:`tabulae.arithmetic.elementary` alone; relative errors are below
1e-12 (``scipy.special`` has smaller ones, and other bits on other CPUs).

>>> normal_below(np.array([-1.0, 0.0])).round(6), normal_quantiles(np.array([0.975])).round(6)
(array([0.158655, 0.5     ]), array([1.959964]))
>>> student_below(5.0, np.array([2.0])).round(6), student_quantiles(5.0, np.array([0.975])).round(6)
(array([0.94903]), array([2.570582]))
"""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.arithmetic.elementary import exp, log, power

CENTRE = 4.0
# (z + 4) e^(z^2 / 2) Q(z) for z >= 0, Q the upper tail, as a Chebyshev series in t = (z - 4) / (z + 4), lowest first,
# after Shepherd and Laframboise (Math. Comp. 36, 1981); fitted to 60 digits, what is left out is below 2^-58.
MILLS = tuple(
    map(
        float.fromhex,
        (
            "0x1.f0defaf3f340fp-1", "-0x1.80dffa60e1b1dp-1", "0x1.c70d6a380ea91p-3", "-0x1.8d751a70edad5p-5",
            "0x1.c5e5aa06abb51p-8", "-0x1.502bff672b0ecp-12", "-0x1.a5b9f08f7db9dp-14", "0x1.3d255a0a93303p-16",
            "0x1.0f37324cef4cap-20", "-0x1.49ecd6717db23p-21", "-0x1.d0af11e7df528p-29", "0x1.6364397fe6cc4p-26",
            "-0x1.f036d2e3bb17ap-34", "-0x1.ab6189ab290c9p-31", "-0x1.5dc863792f547p-37", "0x1.173b004b64293p-35",
            "0x1.034e5cd2d6cedp-39", "-0x1.7189a6cce2783p-40", "-0x1.8828bb063be0cp-43", "0x1.ba0209030fe92p-45",
            "0x1.d1e6f7f5b7db9p-47", "-0x1.5f156ed933061p-50", "-0x1.d02cb8b0a908fp-51", "-0x1.07d5880859591p-55",
            "0x1.7632a6f3bba37p-55", "0x1.027e141ae9257p-57",
        ),
    )
)  # fmt: skip
STEPS = 8  # of Newton's method: seven take nu = 1000 to 3e-11, fewer degrees of freedom need fewer
TERMS, REST = 500, 1e-15  # of the continued fraction, until nothing moves by more; nu = 1000 needs 60
SERIES = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304, 39325 / 33554432)


def normal_below(x: Float64s) -> Float64s:
    """The probability of a value below each x under the Normal density of RMS 1; same shape."""
    return _both_sides(x, _normal_tail)


def normal_quantiles(p: Float64s) -> Float64s:
    """Where the probabilities p, each in (0, 1), lie below: Newton's method from Abramowitz and Stegun 26.2.23."""
    tail = np.minimum(p, 1 - p)
    t = np.sqrt(-2 * log(tail))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    for _ in range(3):  # from 4.5e-4 to 1e-6, 1e-12, 0
        z = z + (_normal_tail(z) - tail) * sqrt(2 * pi) * exp(z * z / 2)
    return np.copysign(np.where(p == 0.5, 0.0, z), p - 0.5)


def student_below(nu: float, x: Float64s) -> Float64s:
    """The probability of a value below each x under Student's t density; same shape."""
    return _both_sides(x, lambda z: _student_tail(nu, z))


def student_quantiles(nu: float, p: Float64s) -> Float64s:
    """Where the probabilities p, each in (0, 1), lie below; same shape.

    Newton's method on ``tail^(-1 / nu)``, which is nearly a straight line far out: from anywhere it gets there.
    """
    tail = np.minimum(p, 1 - p)
    wanted = power(1 / tail, 1 / nu)
    z = np.zeros_like(tail)
    for _ in range(STEPS):
        now = _student_tail(nu, z)
        reached = power(1 / now, 1 / nu)
        density = _student_scale(nu) * power(1 + z * z / nu, -(nu + 1) / 2)
        z = np.maximum(z + (wanted - reached) * nu * now / (density * reached), 0.0)
    return np.copysign(z, p - 0.5)


def _both_sides(x: Float64s, tail: Callable[[Float64s], Float64s]) -> Float64s:
    """Below x of a density that is symmetric about zero, from its upper tail."""
    above = tail(np.abs(x))
    return np.where(x < 0, above, 1 - above)


def _normal_tail(z: Float64s) -> Float64s:
    """The probability beyond z >= 0, by Clenshaw's recurrence."""
    z = np.minimum(z, 40.0)  # beyond it is less than float64 can hold
    t = (z - CENTRE) / (z + CENTRE)
    last, now = np.zeros_like(z), np.zeros_like(z)
    for c in MILLS[:0:-1]:
        last, now = now, c + (t + t) * now - last
    return exp(z * z / -2) * ((MILLS[0] + t * now - last) / (z + CENTRE))


def _student_tail(nu: float, z: Float64s) -> Float64s:
    """The probability beyond z >= 0: half of the regularised incomplete beta function at ``nu / (nu + z^2)``."""
    square = z * z
    y, rest = nu / (nu + square), square / (nu + square)
    a, b = nu / 2, 0.5
    front = power(y, a) * np.sqrt(rest) * _student_scale(nu) * sqrt(nu)  # over the beta function
    far = y < (a + 1) / (a + b + 2)
    outer = front * _fraction(a, b, np.where(far, y, 0.0)) / a
    inner = front * _fraction(b, a, np.where(far, 0.0, rest)) / b
    return np.where(far, outer, 1 - inner) / 2


def _student_scale(nu: float) -> float:
    """The density at 0: ``Gamma(a + 1/2) / Gamma(a) / sqrt(nu pi)`` with a = nu / 2, by its series at a + 40."""
    a, ratio = nu / 2, 1.0
    while a < 40:
        ratio *= a / (a + 0.5)
        a += 1
    series = 0.0
    for c in reversed(SERIES):
        series = series / a + c
    return ratio * sqrt(a) * series / sqrt(nu * pi)


def _fraction(a: float, b: float, x: Float64s) -> Float64s:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    c, d = np.ones_like(x), 1 / (1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, TERMS):
        for term in (m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))):  # fmt: skip
            d = 1 / (1 + term * x * d)
            c = 1 + term * x / c
            found = found * (c * d)
        if (np.abs(c * d - 1) <= REST).all():
            break
    return found
