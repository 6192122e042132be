"""A tensor in a format, and what it costs.

>>> from tabulae.formats import encode, parse
>>> encoded = encode(parse("int:4/row/absmax"), np.array([[7.0, -3.4, 0.2, 1.0]], np.float32))
>>> encoded.codes, encoded.bits  # four codes of 4 bits, one bfloat16 scale
(array([[15,  5,  8,  9]], dtype=uint8), 32)
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Uint8s
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.codes import rans
from tabulae.formats.codebook import INT8
from tabulae.formats.format import Format


@dataclass(frozen=True)
class Encoded:
    """What :func:`tabulae.formats.encode` returns."""

    format: Format
    matrix: TableMatrix
    bits: int  # of everything: codes, multipliers, scales, outliers, a codebook that is not standard

    @property
    def codes(self) -> Uint8s:
        """The codes [rows, cols]."""
        return self.matrix.codes

    def decode(self) -> Float32s:
        """The weights that the codes stand for, float32 [rows, cols]."""
        return self.matrix.decode()


def count_bits(matrix: TableMatrix, own_codebook: bool, entropy: bool = False) -> int:
    """All bits that a matrix needs, before any layout pads it; with ``entropy`` the codes as they are really stored."""
    bits = matrix.codes.size * matrix.bits
    if entropy:
        bits = min(bits, 8 * rans.encode(matrix.codes).nbytes)
    bits += 16 * len(matrix.scales)
    if matrix.multipliers is not None:
        bits += 8 * matrix.multipliers.size
    if matrix.outliers is not None:
        bits += outlier_bits(matrix.outliers)
    if own_codebook:
        bits += len(matrix.codebook) * (8 if np.abs(matrix.codebook).max() <= INT8 else 16)
    return bits


def outlier_bits(outliers: Outliers) -> int:
    """Row offsets of 32 bits, columns of 16, values in the smallest of 8, 16 and 32 that holds them all."""
    low, high = int(outliers.values.min(initial=0)), int(outliers.values.max(initial=0))
    width = next(width for width in (8, 16, 32) if -(1 << width - 1) <= low and high < 1 << width - 1)
    return 32 * len(outliers.offsets) + (16 + width) * len(outliers.columns)
