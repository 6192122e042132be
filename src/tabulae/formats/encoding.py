"""From weights to integers, one piece of rows at a time: scale, multipliers, codes, and the gain last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int8s, Uint8s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.formats import gain, outliers
from tabulae.formats.codebook import Codebook
from tabulae.formats.element import FittedElement
from tabulae.formats.histogram import Histogram
from tabulae.formats.nearest import nearest
from tabulae.formats.pieces import Piece, Pieces
from tabulae.formats.scaling import grouped_scales, measure, measure_tensor, rounding_of, storable
from tabulae.formats.search import best_multipliers, divided, group_factors, tensor_factor

if TYPE_CHECKING:
    from tabulae.formats.format import Format

EVERY = 4  # of so many rows one is searched for the codebook


def encode(form: Format, x: Float32s, importance: Float32s | None) -> TableMatrix:
    """The integers for finite x [rows, cols] in a format."""
    found = outliers.positions(x, form.sparse)
    pieces = Pieces(x, form.group or x.shape[1], importance, found)
    coder = Coder(form, pieces, outliers.least_scales(x, found))
    matrix = coder.dense()
    if not len(found):
        return matrix
    return outliers.with_outliers(matrix, x, found, int(np.abs(coder.codebook.integers).argmin()))


class Coder:
    """One tensor on its way into one format."""

    def __init__(self, form: Format, pieces: Pieces, least: Float64s) -> None:
        self.form, self.pieces = form, pieces
        self._rounding = rounding_of(form.scale)
        self._whole = form.granularity == "tensor"
        self._least = np.full(len(least), least.max()) if self._whole else least  # [rows], the least scale allowed
        self._measured = measure_tensor(pieces, form.base) if self._whole else 0.0
        self.codebook = self._fit(form.element) if isinstance(form.element, FittedElement) else form.stored
        self._nearest = nearest(self.codebook)
        if isinstance(form.element, FittedElement) and form.scale == "search" and not self._whole:
            self.codebook = self._fit(form.element, searched=True)
            self._nearest = nearest(self.codebook)
        if self._whole and (form.scale == "search" or (form.element.reaches and self._clips())):
            factor = tensor_factor(pieces, self._measured * self.codebook.unit, self._nearest)
            self._measured *= factor if form.scale == "search" else max(1.0, factor)

    def dense(self) -> TableMatrix:
        """The matrix without its outliers."""
        rows, cols = self.pieces.x.shape
        codes, scales, products = np.empty((rows, cols), np.uint8), np.empty(rows, np.float32), np.empty((2, rows))
        multipliers = np.ones((rows, len(self.pieces.columns)), np.int8)
        for piece in self.pieces:
            part = piece.rows
            scales[part], multipliers[part] = self._scales(piece)
            codes[part], products[:, part] = self._codes(piece, scales[part], multipliers[part])
        stored = multipliers if self.form.group else None
        codebook = self.codebook.padded(self.form.element.code_bits(self.codebook))
        return TableMatrix(codes, codebook, self._with_gain(scales, products), stored, self.pieces.group)

    def _fit(self, element: FittedElement, *, searched: bool = False) -> Codebook:
        """A codebook for the weights over what the scale measures; ``searched``: over the best scales, of some rows."""
        histogram = Histogram()
        for piece in self.pieces:
            piece = piece.some(EVERY) if searched else piece
            measured = self._measure(piece)
            if searched:
                measured *= group_factors(piece, measured * self.codebook.unit, self._nearest)
            histogram.add(piece.x, piece.weights, measured, counted=element.counted)
        return element.fit(histogram.density())

    def _clips(self) -> bool:
        """Whether a weight of the tensor lies beyond the outermost codepoint."""
        outermost = self._measured * self.codebook.unit * (int(self.codebook.integers[-1]) + 0.5)
        return measure_tensor(self.pieces, "absmax") > outermost

    def _measure(self, piece: Piece) -> Float64s:
        """What the format's scale measures of every group [n, groups]."""
        if self._whole:
            return np.full(piece.x.shape[:2], self._measured)
        return measure(piece.x, self.form.base, self.pieces.columns)

    def _scales(self, piece: Piece) -> tuple[Float32s, Int8s]:
        """Scales [n] and multipliers [n, groups] as they are stored, but for the gain."""
        steps, least = self._measure(piece) * self.codebook.unit, self._least[piece.rows]
        if self.form.scale == "search" and not self._whole:
            steps *= group_factors(piece, steps, self._nearest)
        if self.form.group:
            scales, multipliers = grouped_scales(steps, self._rounding, least)
            if self.form.scale == "search":
                multipliers = best_multipliers(piece, scales, multipliers, self._nearest)
            return scales, multipliers
        if self.form.element.reaches and not self._whole:
            largest = measure(piece.x, "absmax", self.pieces.columns)[:, 0]
            least = np.maximum(least, largest / max(1, self.codebook.integers[-1]))
        return storable(steps[:, 0], self._rounding, least), np.ones(steps.shape, np.int8)

    def _codes(self, piece: Piece, scales: Float32s, multipliers: Int8s) -> tuple[Uint8s, Float64s]:
        """Codes [n, cols], and the inner products [2, n] that the gain needs."""
        factors = multipliers.astype(np.float32)
        codes = self._nearest.codes(divided(piece.x, factors * scales[:, None]))
        coded = self.codebook.integers.astype(np.float32)[codes] * factors[..., None]
        products = gain.inner_products(piece, coded, self.form.gain)
        return codes.reshape(len(codes), -1)[:, : self.pieces.x.shape[1]], products

    def _with_gain(self, scales: Float32s, products: Float64s) -> Float32s:
        """The final scales, [rows] or [1]."""
        if self._whole:
            scales, products = scales[:1], gain.tensor_products(products)
        wanted = gain.limited(gain.gain_factors(products), scales, self.form.gain)
        return storable(wanted, "nearest", self._least[: len(scales)])
