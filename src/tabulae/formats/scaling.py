"""Scales: what is measured of a group, the row's bfloat16 scale and the groups' int8 multipliers.

Order of choice: first the row's scale, then the multipliers, so that each is chosen with what will be decoded before
it. For maxima both are rounded away from zero: no weight ever lies beyond the outermost codepoint.

>>> grouped_scales(np.array([[12.7, -3.0, 0.0]]), "away")
(array([0.10009766], dtype=float32), array([[127, -30,   0]], dtype=int8))
"""

from math import fsum

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int8s, Int64s
from tabulae.arithmetic.bfloat16 import SMALLEST, Rounding, round_bfloat16
from tabulae.formats.density import Base
from tabulae.formats.pieces import Pieces

MULTIPLIER = 127


def measure(x: Float32s, base: Base, columns: Int64s) -> Float64s:
    """The RMS or the (signed) largest magnitude of every group [n, groups].

    ``x`` is [n, groups, group] padded with zeros, ``columns`` [groups] counts the real ones. Of several values with
    the largest magnitude, the first gives ``signmax`` its sign.
    """
    if base == "rms":
        squares: Float64s = np.square(x, dtype=np.float64).sum(axis=2)
        roots: Float64s = np.sqrt(squares / columns)
        return roots
    if base == "absmax":
        return np.asarray(np.maximum(x.max(axis=2), -x.min(axis=2)), np.float64)
    first = np.abs(x).argmax(axis=2)[..., None]
    largest: Float32s = np.take_along_axis(x, first, axis=2)[..., 0]
    return largest.astype(np.float64)


def measure_tensor(pieces: Pieces, base: Base) -> float:
    """The RMS or the largest magnitude of a whole tensor; the same however it is cut."""
    if base == "absmax":
        return max(float(np.abs(piece.x).max()) for piece in pieces)
    squares = (row for piece in pieces for row in np.square(piece.x, dtype=np.float64).sum(axis=(1, 2)))
    return float(np.sqrt(fsum(squares) / pieces.x.size))


def storable(scales: Float64s, rounding: Rounding, least: Float64s | float = 0.0) -> Float32s:
    """Scales as they are stored: bfloat16, at least ``least``, and 0 only if both are, else normal; same shape."""
    wanted = np.maximum(scales, least)
    usual = round_bfloat16(_float32(np.maximum(wanted, SMALLEST), rounding), rounding)
    stored = np.maximum(usual, round_bfloat16(_float32(np.asarray(least), "away"), "away"))
    return np.where(wanted > 0, stored, np.float32(0))


def grouped_scales(steps: Float64s, rounding: Rounding, least: Float64s | float = 0.0) -> tuple[Float32s, Int8s]:
    """The scales [n] and multipliers [n, groups] that come nearest to steps [n, groups] between integer codepoints."""
    scales = storable(np.abs(steps).max(axis=1) / MULTIPLIER, rounding, least)
    ratios = steps / np.where(scales > 0, scales, 1)[:, None]
    whole = np.copysign(np.ceil(np.abs(ratios)), ratios) if rounding == "away" else np.rint(ratios)
    return scales, np.clip(whole, -MULTIPLIER, MULTIPLIER).astype(np.int8)


def rounding_of(scale: str) -> Rounding:
    """How a scale is rounded: maxima away from zero, the others to nearest."""
    return "away" if scale in ("absmax", "signmax") else "nearest"


def _float32(x: Float64s, rounding: Rounding) -> Float32s:
    near = x.astype(np.float32)
    return np.where(near < x, np.nextafter(near, np.float32(np.inf)), near) if rounding == "away" else near
