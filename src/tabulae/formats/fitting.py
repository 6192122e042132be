"""Fitting a format to a tensor, one piece of rows at a time: what scales measure, the codebook, the scales.

In this order, because each is chosen with those before it: a codebook that is made from the weights needs them over
what their scales measure, and scales are searched with the codebook at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int8s, Int64s
from tabulae.formats.codebook import Codebook
from tabulae.formats.density import Base
from tabulae.formats.element import FittedElement
from tabulae.formats.fitted import Fitted
from tabulae.formats.format import Format
from tabulae.formats.histogram import Histogram
from tabulae.formats.nearest import Nearest, nearest
from tabulae.formats.pieces import Piece, Pieces
from tabulae.formats.scaling import grouped_scales, measure, measure_tensor, rounding_of, storable
from tabulae.formats.search import best_multipliers, group_factors, tensor_factor

EVERY = 4  # of so many rows one is searched for the codebook


def fit(form: Format, pieces: Pieces, least: Float64s) -> Fitted:
    """The codebook, scales and multipliers for a tensor; ``least`` [rows]: no scale of a row may be smaller."""
    whole = form.granularity == "tensor"
    least = np.full(len(least), least.max()) if whole else least
    measured = _Measured(form.base, pieces.columns, measure_tensor(pieces, form.base) if whole else None)
    codebook = _codebook(form, pieces, measured)
    if whole:
        measured = measured.times(_tensor_factor(form, pieces, measured, codebook))
    chosen = _Scales(form, codebook, measured)
    scales, multipliers = np.empty(len(least), np.float32), np.ones((len(least), len(pieces.columns)), np.int8)
    for piece in pieces:
        scales[piece.rows], multipliers[piece.rows] = chosen.of(piece, least[piece.rows])
    return Fitted(form, codebook, scales, multipliers, least)


@dataclass(frozen=True, eq=False)
class _Measured:
    """What a format's scale measures of every group [n, groups] of a piece."""

    base: Base
    columns: Int64s  # [groups]
    tensor: float | None  # of the whole tensor, where it has one scale

    def __call__(self, piece: Piece) -> Float64s:
        if self.tensor is not None:
            return np.full(piece.x.shape[:2], self.tensor)
        return measure(piece.x, self.base, self.columns)

    def times(self, factor: float) -> _Measured:
        """As much more, of the whole tensor."""
        return replace(self, tensor=(self.tensor or 0.0) * factor)


def _codebook(form: Format, pieces: Pieces, measured: _Measured) -> Codebook:
    """That of the element; one that is made from weights is made anew over the scales that are found with it."""
    element = form.element
    if not isinstance(element, FittedElement):
        return form.stored
    codebook = _made(element, pieces, measured)
    if form.scale != "search" or measured.tensor is not None:
        return codebook
    near = nearest(codebook)

    def searched(piece: Piece) -> Float64s:
        usual = measured(piece)
        return usual * group_factors(piece, usual * codebook.unit, near)

    return _made(element, (piece.some(EVERY) for piece in pieces), searched)


def _made(element: FittedElement, pieces: Iterable[Piece], measured: Callable[[Piece], Float64s]) -> Codebook:
    """A codebook for the weights over what is measured of their groups."""
    histogram = Histogram()
    for piece in pieces:
        histogram.add(piece.x, piece.weights, measured(piece), counted=element.counted)
    return element.fit(histogram.density())


def _tensor_factor(form: Format, pieces: Pieces, measured: _Measured, codebook: Codebook) -> float:
    """By how much the one scale of a tensor is better than what it measures."""
    step = (measured.tensor or 0.0) * codebook.unit
    outermost = step * (int(codebook.integers[-1]) + 0.5)
    if form.scale == "search":
        return tensor_factor(pieces, step, nearest(codebook))
    if form.element.reaches and measure_tensor(pieces, "absmax") > outermost:  # it would clip
        return max(1.0, tensor_factor(pieces, step, nearest(codebook)))
    return 1.0


@dataclass(frozen=True, eq=False)
class _Scales:
    """How the scales of a piece are chosen, once the codebook is there."""

    form: Format
    codebook: Codebook
    measured: _Measured

    @cached_property
    def _nearest(self) -> Nearest:
        return nearest(self.codebook)

    @property
    def _searched(self) -> bool:
        """Whether every group looks for its own scale."""
        return self.form.scale == "search" and self.measured.tensor is None

    def of(self, piece: Piece, least: Float64s) -> tuple[Float32s, Int8s]:
        """Scales [n], not below ``least`` [n], and multipliers [n, groups], as they are stored but for the gain."""
        steps, rounding = self.measured(piece) * self.codebook.unit, rounding_of(self.form.scale)
        if self._searched:
            steps *= group_factors(piece, steps, self._nearest)
        if not self.form.group:
            return storable(steps[:, 0], rounding, self._reaching(piece, least)), np.ones(steps.shape, np.int8)
        scales, multipliers = grouped_scales(steps, rounding, least)
        if self._searched:
            multipliers = best_multipliers(piece, scales, multipliers, self._nearest)
        return scales, multipliers

    def _reaching(self, piece: Piece, least: Float64s) -> Float64s:
        """The least scales with which rows reach their largest weights, where the element is made for that."""
        if not self.form.element.reaches or self.measured.tensor is not None:
            return least
        largest = measure(piece.x, "absmax", self.measured.columns)[:, 0]
        reaching: Float64s = np.maximum(least, largest / max(1, self.codebook.integers[-1]))
        return reaching
