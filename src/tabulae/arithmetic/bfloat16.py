"""bfloat16, the type of every stored scale: the upper half of a float32, held as uint16."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s

Rounding = Literal["nearest", "away"]
LARGEST = float.fromhex("0x1.FEp127")  # the largest finite bfloat16
SMALLEST = float.fromhex("0x1p-126")  # the smallest normal one


def to_bfloat16(x: npt.ArrayLike, rounding: Rounding = "nearest") -> npt.NDArray[np.uint16]:
    """The bits of float32 values (no NaN) rounded to bfloat16: to nearest, ties to even, or away from zero.

    What lies beyond the largest finite value becomes infinity.

    >>> [hex(u) for u in to_bfloat16([1.0, -2.0, 1.00390625])]
    ['0x3f80', '0xc000', '0x3f80']
    >>> [hex(u) for u in to_bfloat16([1.00390625, -1.001], "away")]
    ['0x3f81', '0xbf81']
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    if rounding == "away":
        return ((bits + np.uint32(0xFFFF)) >> 16).astype(np.uint16)
    return ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bfloat16(bits: npt.NDArray[np.uint16]) -> Float32s:
    """The float32 values of bfloat16 bits; exact.

    >>> from_bfloat16(np.array([0x3F80, 0xC000], np.uint16))
    array([ 1., -2.], dtype=float32)
    """
    return (np.asarray(bits, np.uint16).astype(np.uint32) << 16).view(np.float32)


def round_bfloat16(x: npt.ArrayLike, rounding: Rounding = "nearest") -> Float32s:
    """Float32 values rounded to the nearest ones (or away from zero) that bfloat16 can hold.

    >>> round_bfloat16([3.14159])
    array([3.140625], dtype=float32)
    """
    return from_bfloat16(to_bfloat16(x, rounding))
