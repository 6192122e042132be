"""Range split, improved: a fixed number of outliers a group, coded by what they exceed the others' range by.

A min-max grid over outliers spends half of its codes on the gap between the negative and the positive ones. Here a code
is a sign and b - 1 bits of magnitude in both ranges: ``sign * (base + step * (j + 1/2))``, base 0 for most weights, and
for outliers the end of that range, 2^(b-1) inner steps. The number of outliers is the same in every group (its
largest), so storage is regular and a mask costs log2(choices) bits. Steps are int8 multiples of one bfloat16 scale a
row, as everywhere in tabulae, and are searched for the least (weighted) squared error.

>>> w = np.random.default_rng(0).standard_t(4, (64, 256)).astype(np.float32)
>>> split = split_offset(w, bits=4, outliers=4)
>>> error = split.decode(split.codes(w)) - w
>>> round(float(np.linalg.norm(error) / np.linalg.norm(w)), 3), round(split.bits() / w.size, 3)
(0.082, 4.37)
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Float64s, Int8s, Uint8s
from tabulae.arithmetic.matrix import row_chunks
from tabulae.calibration.masks import MaskCode
from tabulae.calibration.split import Split, check_split, grouped
from tabulae.errors import UsageError
from tabulae.formats.scaling import grouped_scales

GROUP = 128
INNER = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 1.05)  # of the largest weight that is no outlier
OUTER = (1.0, 0.9, 0.8, 0.7)  # of the largest outlier's offset


@dataclass(frozen=True, eq=False)
class OffsetSplit(Split):
    """Value of a code: see above."""

    scales: Float32s  # [rows], bfloat16 values
    multipliers: Int8s  # [2, rows, groups]: inner and outer step over the row's scale, not negative

    def side_bits(self, mask: MaskCode) -> int:
        """Mask, scales and multipliers."""
        ranges = 2 if self.mask.any() else 1
        return self._mask_bits(mask, fixed=True) + 16 * len(self.scales) + 8 * ranges * int(self.multipliers[0].size)

    def _codes(self, x: Float32s, rows: slice) -> Uint8s:
        steps = self._steps(rows)
        return _nearest(x, self._mask(rows), *steps, self.bits_per_code)

    def _values(self, codes: Uint8s, rows: slice) -> Float32s:
        return _value(codes, self._mask(rows), *self._steps(rows), self.bits_per_code)

    def _steps(self, rows: slice) -> tuple[Float32s, Float32s]:
        inner, outer = self.multipliers[:, rows].astype(np.float32) * self.scales[rows, None]
        return inner, outer


def split_offset(
    w: Float32s, bits: int, *, group: int = GROUP, outliers: int = 4, importance: Float32s | None = None
) -> OffsetSplit:
    """The split of w [rows, cols] with so many outliers a group of columns; ``importance`` [cols] weighs the search.

    A last group that is shorter has them in proportion.

    :raises UsageError: bits, group or outliers out of range
    """
    check_split(w, bits, group)
    if not 0 <= outliers < group:
        raise UsageError("split", "outliers must be at least 0 and fewer than the columns of a group", outliers)
    mask = _largest(w, group, outliers)
    groups = -(-w.shape[1] // group)
    scales, multipliers = np.empty(len(w), np.float32), np.empty((2, len(w), groups), np.int8)
    weights = grouped(np.ones((1, w.shape[1]), np.float32) if importance is None else importance[None], group)
    for rows in row_chunks(*w.shape):
        steps = _search(grouped(w[rows], group), grouped(mask[rows], group), weights, bits)
        scales[rows], both = grouped_scales(np.concatenate(steps, axis=1), "nearest")
        multipliers[:, rows] = both.reshape(len(both), 2, groups).swapaxes(0, 1)
    return OffsetSplit(bits, group, mask, scales, multipliers)


def _largest(w: Float32s, group: int, outliers: int) -> Bools:
    """The largest weights of every group; of equal ones the first."""
    mask = np.zeros(w.shape, bool)
    for start in range(0, w.shape[1], group):
        part = np.abs(w[:, start : start + group])
        count = outliers * part.shape[1] // group
        chosen = np.argsort(-part, axis=1, kind="stable")[:, :count]
        np.put_along_axis(mask[:, start : start + group], chosen, True, axis=1)
    return mask


def _search(x: Float32s, mask: Bools, weights: Float32s, bits: int) -> tuple[Float64s, Float64s]:
    """Inner and outer steps [n, groups] of least weighted squared error, out of 32 pairs."""
    half = 2 ** (bits - 1)
    size = np.abs(x)
    reach, far = np.where(mask, 0, size).max(axis=2), np.where(mask, size, 0).max(axis=2)
    best = np.full(reach.shape, np.inf)
    steps = np.zeros((2, *reach.shape), np.float32)
    for inside, outside in product(INNER, OUTER):
        inner = np.float32(inside / half) * reach
        outer = np.float32(outside / half) * np.maximum(far - inner * half, 0)
        rounded = _value(_nearest(x, mask, inner, outer, bits), mask, inner, outer, bits)
        error = (weights * np.square(rounded - x)).sum(axis=2)
        better = error < best
        best[better], steps[:, better] = error[better], np.stack([inner, outer])[:, better]
    return steps[0].astype(np.float64), steps[1].astype(np.float64)


def _nearest(x: Float32s, mask: Bools, inner: Float32s, outer: Float32s, bits: int) -> Uint8s:
    """Codes of x [n, groups, group] for steps [n, groups]: the magnitude, and the sign above it."""
    base, step = _bases(mask, inner, outer, bits)
    beyond = np.abs(x) - base
    j = np.floor(np.divide(beyond, step, out=np.zeros_like(beyond), where=step > 0))
    half = 2 ** (bits - 1)
    codes: Uint8s = (np.clip(j, 0, half - 1) + half * (x < 0)).astype(np.uint8)
    return codes


def _value(codes: Uint8s, mask: Bools, inner: Float32s, outer: Float32s, bits: int) -> Float32s:
    base, step = _bases(mask, inner, outer, bits)
    half = 2 ** (bits - 1)
    size = base + step * (codes % half + np.float32(0.5))
    values: Float32s = np.where(codes >= half, -size, size).astype(np.float32)
    return values


def _bases(mask: Bools, inner: Float32s, outer: Float32s, bits: int) -> tuple[Float32s, Float32s]:
    """Base and step of every weight [n, groups, group]."""
    inside, outside = inner[..., None], outer[..., None]
    return np.where(mask, inside * np.float32(2 ** (bits - 1)), np.float32(0)), np.where(mask, outside, inside)
