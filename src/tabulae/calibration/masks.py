"""What it costs to say which weights are outliers.

>>> mask = np.zeros((1, 128), bool)
>>> mask[0, [3, 40, 77, 90]] = True
>>> [mask_bits(mask, 128, code, fixed=True) for code in ("raw", "indices", "entropy")]
[128, 28, 24]
"""

from math import ceil, comb, log2
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Bools

MaskCode = Literal["raw", "indices", "entropy"]


def mask_bits(mask: Bools, group: int, code: MaskCode, *, fixed: bool) -> int:
    """Bits for a mask [rows, cols] in groups of columns.

    ``raw``: one a weight. ``indices``: the place of every outlier in its group, and how many there are unless their
    number is ``fixed``. ``entropy``: what an ideal code needs, of equal groups where the number is fixed (the logarithm
    of the number of choices), else at the share of the whole mask, which is told too.
    """
    rows, cols = mask.shape
    sizes = [min(group, cols - start) for start in range(0, cols, group)]
    if code == "raw":
        return int(mask.size)
    count = int(np.count_nonzero(mask))
    if code == "indices":
        numbers = 0 if fixed else rows * sum(ceil(log2(size + 1)) for size in sizes)
        return numbers + count * ceil(log2(group))
    if fixed:
        choices = sum(log2(comb(size, n)) for size, n in zip(sizes, _counts(mask, group), strict=True))
        return ceil(len(mask) * choices)
    return ceil(mask.size * _entropy(count / mask.size) + log2(mask.size + 1))


def _counts(mask: Bools, group: int) -> list[int]:
    """Outliers in every group of the first row, which are those of every row."""
    return [int(mask[0, start : start + group].sum()) for start in range(0, mask.shape[1], group)]


def _entropy(p: float) -> float:
    return 0.0 if p in (0.0, 1.0) else -p * log2(p) - (1 - p) * log2(1 - p)
