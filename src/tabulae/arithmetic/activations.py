"""Activation codes: int8 numbers in blocks of 32 columns, with a power of two per block and one float per position.

``x ~ code * 2^exponent[block] * scale``: the exponents let a quiet block keep its digits beside a loud
one, and since they are shifts, everything a linear does with the codes stays an integer.
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int8s, Uint8s
from tabulae.errors import ModelError, UsageError

BLOCK = 32
MAX_EXPONENTS = 7
TINY = np.float32(2.0**-100)  # below this an input counts as all zero: 127 / M stays far from overflow
CODE = np.float32(127)


@dataclass(frozen=True, eq=False)
class ActivationCodes:
    """The codes of n positions; the last block is padded with zeros."""

    codes: Int8s  # [n, blocks * 32], -127..127
    exponents: Uint8s  # [n, blocks], 0..E
    scales: Float32s  # [n]

    def decode(self, cols: int) -> Float32s:
        """``float32(code * 2^exponent) * scale``, float32 [n, cols]."""
        shifted = self.codes.astype(np.int32) << np.repeat(self.exponents, BLOCK, axis=1).astype(np.int32)
        return shifted[:, :cols].astype(np.float32) * self.scales[:, None]


def encode(x: Float32s, exponents: int) -> ActivationCodes:
    """Codes of float32 ``x`` [n, cols] with block exponents 0..``exponents`` (E).

    With M the largest \\|x\\| of a position and M_h that of block h, k_h is the largest k in 0..E with
    ``M_h * 2^k <= M`` (E for an all-zero block); the code is ``rint((x * (127 / M)) * 2^k_h)``, the exponent
    ``E - k_h``, the scale ``M / 127 * 2^-E``. M < 2^-100 counts as all zero: codes, exponents and scale 0.

    :raises ModelError: an infinity or NaN in x
    :raises UsageError: E outside 0..7

    >>> c = encode(np.float32([[1, -0.5] + 30 * [0] + [0.25]]), exponents=4)
    >>> c.codes[0, [0, 1, 32]].tolist(), c.exponents.tolist()
    ([127, -64, 127], [[4, 2]])
    >>> c.decode(33)[0, [0, 32]].tolist()
    [1.0, 0.25]
    """
    if not 0 <= exponents <= MAX_EXPONENTS:
        raise UsageError("activations", "the exponents must lie in 0..7", exponents)
    blocks = _blocks(x)  # [n, blocks, 32]
    block_max = np.abs(blocks).max(axis=2)
    largest = block_max.max(axis=1, keepdims=True)  # M [n, 1]
    zero = largest < TINY
    m = np.where(zero, np.float32(1), largest)
    gains = _gains(np.where(zero, np.float32(0), block_max), m, exponents)  # k_h
    values = (blocks * (CODE / m)[:, :, None]) * np.ldexp(np.float32(1), gains)[:, :, None]
    codes = np.rint(np.where(zero[:, :, None], np.float32(0), values)).astype(np.int8)
    scales = np.where(zero, np.float32(0), m / CODE * np.float32(2.0**-exponents))
    return ActivationCodes(codes.reshape(len(x), -1), np.uint8(exponents) - gains, scales[:, 0])


def _blocks(x: Float32s) -> Float32s:
    """[n, cols] -> [n, blocks, 32], filled with zeros; refuses what is not finite."""
    finite = np.isfinite(x)
    if not finite.all():
        row, col = np.argwhere(~finite)[0]
        raise ModelError("activations", "every input of a linear must be finite", f"{x[row, col]} in column {col}")
    return np.pad(x, ((0, 0), (0, -x.shape[1] % BLOCK))).reshape(len(x), -1, BLOCK)


def _gains(block_max: Float32s, m: Float32s, exponents: int) -> Uint8s:
    """k_h [n, blocks]: how often the block's maximum can double without passing M."""
    gains = np.zeros(block_max.shape, np.uint8)
    for k in range(1, exponents + 1):
        gains += block_max <= m * np.float32(2.0**-k)  # exact, and cannot overflow as M_h * 2^k could
    return gains
