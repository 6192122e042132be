"""Own exp2, log2, exp, log and power in float64: the same bits on every machine.

NumPy and C libraries choose other instructions on other CPUs, and then the last bits differ. Where bytes of a table
model follow from such a function, it is one of these: only correctly rounded ``+ - * /``, ``rint`` and exact scaling by
powers of two, as in :mod:`tabulae.arithmetic.polynomials`. Errors measured: exp2 1.2 ulp, log2 2.5 ulp; the
others follow from these two, and lose a bit for every doubling of the exponent.
"""

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float64s


def _doubles(*texts: str) -> tuple[float, ...]:
    return tuple(float.fromhex(text) for text in texts)


LN2, LOG2_E, ROOT_HALF = _doubles("0x1.62e42fefa39efp-1", "0x1.71547652b82fep+0", "0x1.6a09e667f3bcdp-1")
# 2^f = 1 + f P(f), |f| <= 1/2: its series ln(2)^k / k!, k = 14 .. 1; the next term is below 2^-63.
EXP2 = _doubles(
    "0x1.314964d5878a9p-44", "0x1.816193166d0f9p-40", "0x1.c3bd650fc2986p-36", "0x1.e8cac7351bb25p-32",
    "0x1.e4cf5158b8ecap-28", "0x1.b5253d395e7c4p-24", "0x1.62c0223a5c824p-20", "0x1.ffcbfc588b0c7p-17",
    "0x1.430912f86c787p-13", "0x1.5d87fe78a6731p-10", "0x1.3b2ab6fba4e77p-7", "0x1.c6b08d704a0c0p-5",
    "0x1.ebfbdff82c58fp-3", "0x1.62e42fefa39efp-1",
)  # fmt: skip
# log2 m = s P(s^2), s = (m - 1) / (m + 1), |s| <= .1716: 2 / ((2k + 1) ln 2), k = 11 .. 0; the next term: below 2^-63.
LOG2 = _doubles(
    "0x1.00ecd7e080215p-3", "0x1.1964ec6fc9491p-3", "0x1.3703c1f4d0ffep-3", "0x1.5b9ac9b743f0dp-3",
    "0x1.89f3b1694cffep-3", "0x1.c68f568d31760p-3", "0x1.0c9a84994022dp-2", "0x1.484b13d7c02a9p-2",
    "0x1.a61762a7aded9p-2", "0x1.2776c50ef9bfep-1", "0x1.ec709dc3a03fdp-1", "0x1.71547652b82fep+1",
)  # fmt: skip


def exp2(x: npt.ArrayLike) -> Float64s:
    """``2^x``, any shape, exact for integers; 0 far below, infinity far above what float64 holds.

    >>> exp2([0.0, -3.0, 5000.0]).tolist()
    [1.0, 0.125, inf]
    """
    wide = np.clip(np.asarray(x, np.float64), -1100.0, 1100.0)
    whole = np.rint(wide)
    part = wide - whole
    with np.errstate(over="ignore", under="ignore"):
        powers: Float64s = np.ldexp(1.0 + part * _horner(EXP2, part), whole.astype(np.int32))
    return powers


def log2(x: npt.ArrayLike) -> Float64s:
    """The logarithm to base 2, any shape, exact for powers of two; -infinity at 0, NaN below.

    >>> log2([8.0, 0.5, 0.0]).tolist()
    [3.0, -1.0, -inf]
    """
    wide = np.asarray(x, np.float64)
    inside = (wide > 0) & (wide < np.inf)
    mantissa, exponent = np.frexp(np.where(inside, wide, 1.0))
    low = mantissa < ROOT_HALF
    mantissa, exponent = np.where(low, mantissa + mantissa, mantissa), exponent - low
    s = (mantissa - 1.0) / (mantissa + 1.0)
    logs = exponent + s * _horner(LOG2, s * s)
    return np.where(inside, logs, np.where(wide == 0, -np.inf, np.where(wide > 0, wide, np.nan)))


def exp(x: npt.ArrayLike) -> Float64s:
    """``e^x``, any shape."""
    return exp2(np.asarray(x, np.float64) * LOG2_E)


def log(x: npt.ArrayLike) -> Float64s:
    """The natural logarithm, any shape."""
    return log2(x) * LN2


def power(x: npt.ArrayLike, y: float) -> Float64s:
    """``x^y`` for x > 0, and 0 for x = 0 where y > 0; any shape.

    >>> power([0.0, 1.0, 8.0], 2 / 3).tolist()
    [0.0, 1.0, 4.0]
    """
    return exp2(y * log2(x))


def interpolate(x: Float64s, known: Float64s, values: Float64s) -> Float64s:
    """Straight lines between ``values`` at ``known``, which ascend; x lies within them. ``np.interp`` may fuse."""
    k = np.clip(np.searchsorted(known, x, side="right"), 1, len(known) - 1)
    low, width = known[k - 1], known[k] - known[k - 1]
    share = (x - low) / np.where(width > 0, width, 1.0)
    inside: Float64s = values[k - 1] + share * (values[k] - values[k - 1])
    return inside


def _horner(coefficients: tuple[float, ...], x: Float64s) -> Float64s:
    """``(..(c0 x + c1) x + ..) x + cn``: every product and every sum rounded."""
    result = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        result = result * x + c
    return result
