"""A format fitted to a tensor: all but the codes. Which code stands for which weight is a rounder's choice.

A rounder takes what is fitted and a piece of the tensor, and gives the piece's codes. ``Fitted.round`` takes the
nearest codepoint of every weight by itself; another one is a function of the same arguments.

>>> from tabulae.formats.codebook import exact_codebook
>>> from tabulae.formats import parse
>>> fitted = Fitted(
...     parse("int:2/g32/absmax"), exact_codebook(np.arange(-2, 2), 1.0),
...     scales=np.array([0.5], np.float32), multipliers=np.array([[2]], np.int8), least=np.zeros(1))
>>> fitted.round(Piece(slice(0, 1), np.array([[[-9.0, -0.6, 0.1, 0.9]]], np.float32), None))
array([[[0, 1, 2, 3]]], dtype=uint8)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int8s, Uint8s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.formats import gain
from tabulae.formats.codebook import Codebook
from tabulae.formats.format import Format
from tabulae.formats.nearest import Nearest, nearest
from tabulae.formats.pieces import Piece
from tabulae.formats.scaling import storable
from tabulae.formats.search import divided


@dataclass(frozen=True, eq=False)
class Fitted:
    """Codebook, scales and multipliers of one tensor [rows, cols]."""

    form: Format
    codebook: Codebook
    scales: Float32s  # [rows], as they are stored but for the gain; all the same where the tensor has one
    multipliers: Int8s  # [rows, groups]; 1 where the format has none
    least: Float64s  # [rows], no scale may be smaller

    @cached_property
    def nearest(self) -> Nearest:
        """The table by which weights over their step are rounded."""
        return nearest(self.codebook)

    def steps(self, piece: Piece) -> Float32s:
        """What the codepoint 1 stands for in every group of a piece [n, groups]."""
        return self._factors(piece) * self.scales[piece.rows, None]

    def round(self, piece: Piece) -> Uint8s:
        """The nearest codes [n, groups, group] of a piece."""
        return self.nearest.codes(divided(piece.x, self.steps(piece)))

    def coded(self, piece: Piece, codes: Uint8s) -> Float32s:
        """What codes of a piece stand for, in units of the rows' scales [n, groups, group]."""
        return self.codebook.integers.astype(np.float32)[codes] * self._factors(piece)[..., None]

    def matrix(self, codes: Uint8s, products: Float64s, group: int) -> TableMatrix:
        """The matrix of codes [rows, cols], its scales set anew by their inner products [2, rows]: see ``gain``."""
        multipliers = self.multipliers if self.form.group else None
        codebook = self.codebook.padded(self.form.element.code_bits(self.codebook))
        return TableMatrix(codes, codebook, self._with_gain(products), multipliers, group)

    def _factors(self, piece: Piece) -> Float32s:
        return self.multipliers[piece.rows].astype(np.float32)

    def _with_gain(self, products: Float64s) -> Float32s:
        """The final scales, [rows] or [1]."""
        scales = self.scales
        if self.form.granularity == "tensor":
            scales, products = scales[:1], gain.tensor_products(products)
        wanted = gain.limited(gain.gain_factors(products), scales, self.form.gain)
        return storable(wanted, "nearest", self.least[: len(scales)])


Rounder = Callable[[Fitted, Piece], Uint8s]  # codes [n, groups, group] of a piece
