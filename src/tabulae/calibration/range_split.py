"""Range split as published (AdpQ, Ghaffari et al.): outliers and the rest of a group each on a grid from min to max.

One threshold for the whole tensor says what an outlier is, so groups have different numbers of them. Both grids have b
bits. ``symmetric``: from -max|w| to max|w|, with a code at 0 and one code unused; otherwise from the least to the
largest weight (0 included), with an integer zero point of b bits. Steps are bfloat16.

>>> w = np.random.default_rng(0).standard_t(4, (64, 256)).astype(np.float32)
>>> split = split_range(w, bits=4, share=0.05)
>>> error = split.decode(split.codes(w)) - w
>>> round(float(np.linalg.norm(error) / np.linalg.norm(w)), 3), round(split.bits() / w.size, 3)
(0.076, 4.6)
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Uint8s
from tabulae.arithmetic.bfloat16 import round_bfloat16
from tabulae.arithmetic.matrix import row_chunks
from tabulae.calibration.masks import MaskCode
from tabulae.calibration.soft_threshold import outlier_mask
from tabulae.calibration.split import Split, check_split, grouped

GROUP = 128


@dataclass(frozen=True, eq=False)
class RangeSplit(Split):
    """Value of a code: ``(code - zero) * step``, by the range of its weight."""

    steps: Float32s  # [2, rows, groups]: of the others, of outliers; bfloat16 values, 0 where there is nothing
    zeros: Uint8s  # [2, rows, groups]
    symmetric: bool

    def side_bits(self, mask: MaskCode) -> int:
        """Mask, steps, and zero points where there are any; of one range where there are no outliers."""
        each = 16 + (0 if self.symmetric else self.bits_per_code)
        ranges = 2 if self.mask.any() else 1
        return self._mask_bits(mask, fixed=False) + ranges * each * int(self.steps[0].size)

    def _codes(self, x: Float32s, rows: slice) -> Uint8s:
        step, zero = self._ranges(rows)
        codes = np.rint(np.divide(x, step, out=np.zeros_like(x), where=step > 0)) + zero
        return np.clip(codes, 0, _codes_used(self.bits_per_code, self.symmetric) - 1).astype(np.uint8)

    def _values(self, codes: Uint8s, rows: slice) -> Float32s:
        step, zero = self._ranges(rows)
        return (codes - zero) * step

    def _ranges(self, rows: slice) -> tuple[Float32s, Float32s]:
        """Step and zero point of every weight [n, groups, group]."""
        mask = self._mask(rows)
        step, zero = (np.where(mask, a[1, rows, :, None], a[0, rows, :, None]) for a in (self.steps, self.zeros))
        return step, zero.astype(np.float32)


def split_range(
    w: Float32s,
    bits: int,
    *,
    group: int = GROUP,
    share: float = 0.02,
    symmetric: bool = False,
    mask: Bools | None = None,
) -> RangeSplit:
    """The split of w [rows, cols] with the share of outliers that is asked for, or with a mask from elsewhere.

    :raises UsageError: bits, group or share out of range, a mask of another shape
    """
    check_split(w, bits, group)
    mask = outlier_mask(w, share) if mask is None else mask
    groups = -(-w.shape[1] // group)
    steps, zeros = np.empty((2, len(w), groups), np.float32), np.empty((2, len(w), groups), np.uint8)
    for rows in row_chunks(*w.shape):
        x, outlier = grouped(w[rows], group), grouped(mask[rows], group)
        for i, part in enumerate((np.where(outlier, 0, x), np.where(outlier, x, 0))):
            steps[i, rows], zeros[i, rows] = _range(part, bits, symmetric)
    return RangeSplit(bits, group, mask, steps, zeros, symmetric)


def _range(x: Float32s, bits: int, symmetric: bool) -> tuple[Float32s, Uint8s]:
    """Step and zero point [n, groups] of a grid over x [n, groups, group] and 0."""
    low, high = x.min(axis=2), x.max(axis=2)
    if symmetric:
        high = np.maximum(high, -low)
        low = -high
    top = _codes_used(bits, symmetric) - 1
    step = round_bfloat16((high - low) / np.float32(top), "away")
    zero = np.rint(np.divide(-low, step, out=np.zeros_like(low), where=step > 0))
    return step, np.clip(zero, 0, top).astype(np.uint8)


def _codes_used(bits: int, symmetric: bool) -> int:
    """A symmetric grid has as many codes on either side of 0."""
    return (1 << bits) - symmetric
