"""What both range splits have in common: a mask and two ranges for every group, fixed once, and codes that are not.

A split keeps b bits for every weight, in its place; a mask says which of its group's two ranges the code is of. Mask
and scales are what pre-calibration decides. ``codes`` rounds to them, for the weights they were made for or for any
others: a later step with calibration data (error feedback) keeps the split and only rounds anew.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Uint8s
from tabulae.arithmetic.matrix import row_chunks
from tabulae.calibration.masks import MaskCode, mask_bits
from tabulae.errors import UsageError


@dataclass(frozen=True, eq=False)
class Split(ABC):
    """Two ranges a group of columns; the last group may be short."""

    bits_per_code: int
    group: int
    mask: Bools  # [rows, cols], True: outlier

    @abstractmethod
    def _codes(self, x: Float32s, rows: slice) -> Uint8s:
        """[n, groups, group], padded with zeros -> codes of the same shape."""

    @abstractmethod
    def _values(self, codes: Uint8s, rows: slice) -> Float32s:
        """[n, groups, group] -> weights of the same shape."""

    @abstractmethod
    def side_bits(self, mask: MaskCode) -> int:
        """Bits of everything but the codes."""

    def codes(self, w: Float32s) -> Uint8s:
        """The nearest codes of weights w [rows, cols], of which those in the mask are taken as outliers."""
        if w.shape != self.mask.shape:
            raise UsageError("split", "weights must have the shape of the mask", w.shape, f"{list(self.mask.shape)}")
        out = np.empty(w.shape, np.uint8)
        for rows in row_chunks(*w.shape):
            out[rows] = flat(self._codes(grouped(w[rows], self.group), rows), w.shape[1])
        return out

    def decode(self, codes: Uint8s) -> Float32s:
        """The weights that codes [rows, cols] stand for."""
        out = np.empty(codes.shape, np.float32)
        for rows in row_chunks(*codes.shape):
            out[rows] = flat(self._values(grouped(codes[rows], self.group), rows), codes.shape[1])
        return out

    def bits(self, mask: MaskCode = "entropy") -> int:
        """All bits of the tensor, with the mask in one of the codes of :func:`mask_bits`."""
        return self.mask.size * self.bits_per_code + self.side_bits(mask)

    def _mask(self, rows: slice) -> Bools:
        return grouped(self.mask[rows], self.group)

    def _mask_bits(self, code: MaskCode, fixed: bool) -> int:
        """Nothing where there are no outliers."""
        return mask_bits(self.mask, self.group, code, fixed=fixed) if self.mask.any() else 0


def grouped(a: np.ndarray, group: int) -> np.ndarray:
    """[n, cols] -> [n, groups, group], padded with zeros."""
    return np.pad(a, ((0, 0), (0, -a.shape[1] % group))).reshape(len(a), -1, group)


def flat(a: np.ndarray, cols: int) -> np.ndarray:
    """[n, groups, group] -> [n, cols]."""
    return a.reshape(len(a), -1)[:, :cols]


def check_split(w: Float32s, bits: int, group: int) -> None:
    """Refuse what cannot be split.

    :raises UsageError: w is no float32 matrix, or bits or group are out of range
    """
    if getattr(w, "dtype", None) != np.float32 or w.ndim != 2 or not w.size:
        raise UsageError("split", "weights must be a float32 matrix with something in it", np.shape(w))
    if not 2 <= bits <= 8 or group < 2:
        raise UsageError("split", "bits must be 2 to 8 and a group two columns or more", (bits, group))
