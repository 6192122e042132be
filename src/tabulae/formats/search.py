"""``search``: of 17 factors on every group's largest magnitude, the one with the least (weighted) squared error.

For granularity ``row`` a row is one group; for ``tensor`` there is one factor, on the RMS. The factors are tried with
exact scales, before these are rounded for storage. Clipping a few weights often pays.
"""

from math import fsum

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.bfloat16 import SMALLEST
from tabulae.formats.distributions import Float64s
from tabulae.formats.nearest import Nearest
from tabulae.formats.pieces import Piece, Pieces

EXPONENTS = sorted(np.linspace(-2, 2, 17).tolist(), key=abs)  # of two; what changes least is tried first and wins ties


def group_factors(piece: Piece, steps: Float64s, nearest: Nearest) -> Float64s:
    """The best factor for every group [n, groups], given what one integer step is worth there."""
    best, factors = np.full(steps.shape, np.inf), np.ones(steps.shape)
    for exponent in EXPONENTS:
        errors = _errors(piece, steps * 2**exponent, nearest)
        better = errors < best
        best[better], factors[better] = errors[better], 2**exponent
    return factors


def tensor_factor(pieces: Pieces, step: float, nearest: Nearest) -> float:
    """The best factor for a whole tensor; the same however it is cut."""
    errors: dict[float, list[float]] = {exponent: [] for exponent in EXPONENTS}
    for piece in pieces:
        for exponent in EXPONENTS:
            steps = np.full(piece.x.shape[:2], step * 2**exponent)
            errors[exponent].extend(_errors(piece, steps, nearest).sum(axis=1))
    return float(2 ** min(EXPONENTS, key=lambda exponent: fsum(errors[exponent])))


def _errors(piece: Piece, steps: Float64s, nearest: Nearest) -> Float64s:
    """Weighted squared errors of every group [n, groups]."""
    y = divided(piece.x, steps)
    y -= nearest.values(y)
    y *= y
    if piece.weights is not None:
        y *= piece.weights
    errors: Float64s = y.sum(axis=2) * np.square(steps)
    return errors


def divided(x: Float32s, steps: Float64s | Float32s) -> Float32s:
    """x [n, groups, group] over steps [n, groups], 0 where a step is 0 or smaller than any scale can be."""
    divisors = np.where(np.abs(steps) < SMALLEST, np.inf, steps).astype(np.float32)
    return x / divisors[..., None]
