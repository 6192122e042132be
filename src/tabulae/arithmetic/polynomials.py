"""Own exp, tanh, erf, sin and cos: the same float32 on every machine.

Only correctly rounded ``+ - * /``, ``rint`` and integer operations on exponents are used, each rounded
once, never contracted to a fused multiply-add: whoever repeats these lines in this order gets these bits.
Polynomials are near-minimax fits (weighted least squares, weights moved to the largest error), their
coefficients rounded to the working type one after the other, and written in hexadecimal, highest power
first, as Horner's scheme wants them. NaN gives NaN. Largest errors, measured on dense samples:
exp 0.97 ulp, tanh 1.33, erf 1.36, sin and cos 0.5001.

The idea of the reductions: Cody and Waite, *Software Manual for the Elementary Functions*, 1980.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s

_Float = TypeVar("_Float", np.float32, np.float64)


def _singles(*texts: str) -> tuple[np.float32, ...]:
    return tuple(np.float32(float.fromhex(text)) for text in texts)


def _doubles(*texts: str) -> tuple[np.float64, ...]:
    return tuple(np.float64(float.fromhex(text)) for text in texts)


ONE, TWO = np.float32(1), np.float32(2)

# exp x = 2^k * exp r, |r| <= ln 2 / 2. LN2_HIGH has 15 bits, so k * LN2_HIGH and x - k * LN2_HIGH are exact.
EXP_LOWEST, EXP_HIGHEST = np.float32(-87.3125), np.float32(88.6875)  # results stay normal and finite between
LOG2_E, LN2_HIGH, LN2_LOW = _singles("0x1.715476p+0", "0x1.62e4p-1", "0x1.7f7d1cp-20")
EXP = _singles("0x1.6a4744p-10", "0x1.1239a2p-7", "0x1.5558b6p-5", "0x1.555492p-3", "0x1.fffffcp-2")

# tanh x = x + x z P(z), z = x^2, below 0.625; from there 1 - 2 / (exp 2x + 1), which cancels little; from 9.02 on 1.
TANH_SMALL, TANH_LARGE = np.float32(0.625), np.float32(10)
TANH = _singles("-0x1.769df8p-8", "0x1.525328p-6", "-0x1.b8439ap-5", "0x1.110762p-3", "-0x1.555534p-2")

# erf x = x + x P(z), z = x^2, below 1; from there 1 - exp(-Q(x)) with Q = -log erfc; from 3.92 on it is 1.
ERF_LARGE = np.float32(4)
ERF = _singles(
    "0x1.4771fcp-14", "-0x1.a3515ep-11", "0x1.53f224p-8", "-0x1.b7f71ap-6", "0x1.ce2ce6p-4",
    "-0x1.81273ep-2", "0x1.06eba8p-3",
)  # fmt: skip
ERFC = _singles(
    "-0x1.8528d0p-13", "0x1.814ad4p-9", "-0x1.654170p-6", "0x1.a60a4ap-4", "0x1.46c588p-1",
    "0x1.2085b2p+0", "0x1.72e404p-12",
)  # fmt: skip

# sin and cos: x = n pi/2 + r, |r| <= pi/4, in float64. HALF_PI_HIGH has 31 bits: n * HALF_PI_HIGH is exact to n = 2^22.
TWO_BY_PI, HALF_PI_HIGH, HALF_PI_LOW = _doubles("0x1.45f306dc9c883p-1", "0x1.921fb544p+0", "0x1.0b4611a626331p-34")
SIN = _doubles("0x1.6cd5eb2091635p-19", "-0x1.a00f939385b0ap-13", "0x1.11110889ee90dp-7", "-0x1.5555554ca9238p-3")
COS = _doubles("-0x1.2429083909893p-22", "0x1.a011178773c98p-16", "-0x1.6c16b88be8543p-10", "0x1.5555554f42827p-5")


def exp(x: Float32s) -> Float32s:
    """``e^x``, any shape; +0 below -87.3125 (no subnormals), infinity above 88.6875.

    >>> exp(np.float32([0, 1, -100, 100])).tolist()
    [1.0, 2.7182817459106445, 0.0, inf]
    """
    inside = np.where((x >= EXP_LOWEST) & (x <= EXP_HIGHEST), x, np.float32(0))
    k: Float32s = np.rint(inside * LOG2_E)
    r: Float32s = (inside - k * LN2_HIGH) - k * LN2_LOW
    mantissa = (_horner(EXP, r) * (r * r) + r) + ONE  # 0.70 .. 1.42
    power = (mantissa.view(np.int32) + (k.astype(np.int32) << 23)).view(np.float32)  # exact: k goes to the exponent
    power = np.where(x < EXP_LOWEST, np.float32(0), np.where(x > EXP_HIGHEST, np.float32(np.inf), power))
    return np.where(np.isnan(x), x, power)


def tanh(x: Float32s) -> Float32s:
    """Hyperbolic tangent, any shape.

    >>> tanh(np.float32([0, -1, 100])).tolist()
    [0.0, -0.7615941762924194, 1.0]
    """
    a, z = _limited(x, TANH_LARGE)
    small = a + a * (z * _horner(TANH, z))
    large = ONE - TWO / (exp(a + a) + ONE)
    return np.copysign(np.where(a < TANH_SMALL, small, large), x)


def erf(x: Float32s) -> Float32s:
    """Error function, any shape.

    >>> erf(np.float32([0, -1, 100])).tolist()
    [0.0, -0.8427007794380188, 1.0]
    """
    a, z = _limited(x, ERF_LARGE)
    small = a + a * _horner(ERF, z)
    large = ONE - exp(-_horner(ERFC, a))
    return np.copysign(np.where(a < ONE, small, large), x)


def _limited(x: Float32s, largest: np.float32) -> tuple[Float32s, Float32s]:
    """The magnitude, where the function is 1 beyond ``largest``, and its square; NaN stays."""
    a = np.abs(x)
    a = np.where(a > largest, largest, a)
    return a, a * a


def sin(x: Float32s) -> Float32s:
    """Sine of finite radians, any shape; see :func:`_quadrant` for why it is computed in float64."""
    n, r = _quadrant(x)
    return _turned(n, r)


def cos(x: Float32s) -> Float32s:
    """Cosine of finite radians, any shape: the sine one quadrant further."""
    n, r = _quadrant(x)
    return _turned(n + 1, r)


def _quadrant(x: Float32s) -> tuple[Int64s, Float64s]:
    """``x = n pi/2 + r``, |r| <= pi/4, for |x| up to 2^20.

    A rotary angle is a position times a frequency, up to the context length. Subtracting n pi/2 from it leaves
    few of float32's 24 bits, unless pi/2 comes in three or four parts; in float64 two parts are plenty, and
    the one rounding to float32 at the very end leaves half an ulp.
    """
    wide = x.astype(np.float64)
    n = np.rint(wide * TWO_BY_PI)
    return n.astype(np.int64), (wide - n * HALF_PI_HIGH) - n * HALF_PI_LOW


def _turned(n: Int64s, r: Float64s) -> Float32s:
    """``sin(n pi/2 + r)``: sine or cosine of r, with its sign."""
    z = r * r
    sine = r + r * (z * _horner(SIN, z))
    cosine = (1.0 - 0.5 * z) + (z * z) * _horner(COS, z)
    value = np.where(n & 1, cosine, sine)
    return np.where(n & 2, -value, value).astype(np.float32)


def _horner(coefficients: tuple[_Float, ...], x: npt.NDArray[_Float]) -> npt.NDArray[_Float]:
    """``(..(c0 x + c1) x + ..) x + cn``: every product and every sum rounded."""
    result = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        result = result * x + c
    return result
