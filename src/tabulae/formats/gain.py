"""The last word on a row's scale, once its codes are chosen.

``ls`` takes the scale of least squared error; it shrinks every row by about R^2, and shrinkage might add up through the
layers of a network. ``unbiased`` makes <w^, w> = <w, w>, within 2^-8 because the scale is a bfloat16. On SmolLM2 with
smooth weights it does not add up: on the second half of wiki.valid the KL of ``unbiased`` is that of ``ls`` within
noise, at 4 bits .0027 +- .0016 nats below .424, at 3 bits .019 +- .011 above 1.80 (benchmarks/bench_choices.py), so
``ls``, of the lesser error, is the default. Inner products are weighted by importance, leave outliers out, and run over
a row, for granularity ``tensor`` over everything. Codes are not chosen again.

>>> w, coded = np.array([[1.0, 2.0]], np.float32), np.array([[1.0, 1.0]], np.float32)
>>> piece = Piece(slice(0, 1), w[None], None)
>>> {gain: gain_factors(inner_products(piece, coded[None], gain)).tolist() for gain in GAINS}
{'ls': [1.5], 'unbiased': [1.6666666666666667]}
"""

from math import fsum

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.formats.pieces import Piece

GAINS = ("ls", "unbiased")
DEFAULT_GAIN = "ls"
LIMIT = 2.0  # a row that has lost most of its energy is not blown up to make up for it


def inner_products(piece: Piece, coded: Float32s, gain: str) -> Float64s:
    """Numerator and denominator of the gain of every row [2, n]; ``coded`` is w^ in any unit, in the shape of x."""
    cross = piece.inner(piece.x, coded)
    if gain == "ls":
        return np.stack([cross, piece.inner(coded, coded)])
    return np.stack([piece.inner(piece.x, piece.x), cross])


def tensor_products(products: Float64s) -> Float64s:
    """The products of all rows [2, rows] as those of one [2, 1]; the same however the rows were cut."""
    return np.array([[fsum(row)] for row in products])


def gain_factors(products: Float64s) -> Float64s:
    """The wanted scale over the unit of ``coded``, for [2, n] products; NaN where there is nothing to match."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors: Float64s = products[0] / products[1]
    return factors


def limited(scales: Float64s, before: Float32s, gain: str) -> Float64s:
    """Scales [n] that stay as they were ``before`` where there is no better; ``unbiased`` at most doubles them."""
    most = before * LIMIT if gain == "unbiased" else np.inf
    return np.where(np.isfinite(scales), np.clip(scales, 0, most), before)
