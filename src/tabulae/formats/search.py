"""``search``: for every group that scale, relative to its largest magnitude, with the least (weighted) squared error.

For granularity ``row`` a row is one group; for ``tensor`` there is one factor, on the RMS. Scales are tried exact,
before they are rounded for storage. Clipping a few weights often pays, and from 4 bits on the error has many valleys
that are narrow: coarse factors first, then ever finer ones round the best of them, and one step of least squares.
Against coarse factors alone, which take as long, R falls by 1 % at 2 bits and 4 to 8 % from 4 to 7.
"""

from math import fsum

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int8s
from tabulae.arithmetic.bfloat16 import SMALLEST
from tabulae.arithmetic.elementary import exp2
from tabulae.formats.nearest import Nearest
from tabulae.formats.pieces import Piece, Pieces
from tabulae.formats.scaling import MULTIPLIER

EXPONENTS = sorted(np.linspace(-2, 2, 17).tolist(), key=abs)  # of two; what changes least is tried first and wins ties
COARSE = [exponent for exponent in EXPONENTS if exponent <= 0.5]  # of a group: its largest weight is never far inside
FINE = (1 / 8, 1 / 16)
NEAR = (-1, 1, -2, 2)  # what is tried beside a rounded multiplier


def group_factors(piece: Piece, steps: Float64s, nearest: Nearest) -> Float64s:
    """The best factor found for every group [n, groups], given what one integer step is worth there."""
    best, factors = np.full(steps.shape, np.inf), np.ones(steps.shape)

    def attempt(tried: Float64s) -> None:
        errors = _errors(piece, steps * tried, nearest)
        better = errors < best
        best[better], factors[better] = errors[better], tried[better]

    for exponent in COARSE:
        attempt(np.full(steps.shape, float(exp2(exponent))))
    for exponent in FINE:
        centre, ratio = factors.copy(), float(exp2(exponent))
        attempt(centre * ratio)
        attempt(centre / ratio)
    return factors * _least_squares(piece, steps * factors, nearest)


def best_multipliers(piece: Piece, scales: Float32s, multipliers: Int8s, nearest: Nearest) -> Int8s:
    """Of multipliers [n, groups] and their neighbours those that lose least: rounding them misses narrow valleys."""
    units, found = scales.astype(np.float64)[:, None], multipliers.copy()
    best = _errors(piece, multipliers * units, nearest)
    for step in NEAR:
        tried = np.clip(multipliers.astype(np.int16) + step, -MULTIPLIER, MULTIPLIER).astype(np.int8)
        errors = _errors(piece, tried * units, nearest)
        better = errors < best
        best[better], found[better] = errors[better], tried[better]
    return found


def _least_squares(piece: Piece, steps: Float64s, nearest: Nearest) -> Float64s:
    """What every group's step [n, groups] must be multiplied with for the least error of the codes it leads to."""
    y = divided(piece.x, steps)
    coded = nearest.values(y)
    weighted = coded if piece.weights is None else coded * piece.weights
    cross, square = (np.multiply(weighted, other, dtype=np.float64).sum(axis=2) for other in (y, coded))
    factors: Float64s = np.divide(cross, square, out=np.ones_like(cross), where=(cross > 0) & (square > 0))
    return factors


def tensor_factor(pieces: Pieces, step: float, nearest: Nearest) -> float:
    """The best factor for a whole tensor; the same however it is cut."""
    errors: dict[float, list[float]] = {exponent: [] for exponent in EXPONENTS}
    for piece in pieces:
        for exponent in EXPONENTS:
            steps = np.full(piece.x.shape[:2], step * float(exp2(exponent)))
            errors[exponent].extend(_errors(piece, steps, nearest).sum(axis=1))
    return float(exp2(min(EXPONENTS, key=lambda exponent: fsum(errors[exponent]))))


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
