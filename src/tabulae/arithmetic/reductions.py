"""Sums in one fixed order: 16 lanes, then a tree.

Float sums depend on their order, so there is only one: element i goes to lane i mod 16, every lane starts
at +0 and adds its elements in order, then lane i adds lane i + 8, i + 4, i + 2 and i + 1. One AVX-512
register, two AVX2 or four NEON registers hold the lanes.
"""

import numpy as np

from tabulae.arithmetic.arrays import Float32s

LANES = 16


def lanes_sum(x: Float32s, axis: int = -1) -> Float32s:
    """Sum of float32 ``x`` over one axis; an empty axis gives +0.

    >>> float(lanes_sum(np.float32([2**24, 1, 1, 1])))  # (2^24 + 1) + (1 + 1), not ((2^24 + 1) + 1) + 1 = 2^24
    16777218.0
    """
    x = np.moveaxis(x, axis, -1)
    lanes = np.zeros((*x.shape[:-1], LANES), np.float32)
    for start in range(0, x.shape[-1], LANES):
        piece = x[..., start : start + LANES]
        lanes[..., : piece.shape[-1]] += piece
    return tree(lanes)


def tree(lanes: Float32s) -> Float32s:
    """``[..., 16] -> [...]``: lane i + lane i + 8, then + 4, + 2, + 1."""
    for half in (8, 4, 2, 1):
        lanes = lanes[..., :half] + lanes[..., half : 2 * half]
    return lanes[..., 0]
