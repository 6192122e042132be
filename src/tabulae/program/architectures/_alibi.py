"""Scores that fall with distance in place of positions (Press et al. 2022)."""

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.elementary import exp2

SLOPES = "slopes"  # the constant of a program


def slopes(heads: int) -> Float32s:
    """2^(-8 i / n) for i = 1..n of the largest power of two n, then every second one of 2 n.

    >>> slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    n = 1 << (heads.bit_length() - 1)
    exponents = [8 * i / n for i in range(1, n + 1)] + [4 * i / n for i in range(1, 2 * (heads - n), 2)]
    return exp2(-np.array(exponents)).astype(np.float32)
