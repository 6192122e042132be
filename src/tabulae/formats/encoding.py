"""From weights to integers, one piece of rows at a time: fit the format, round to it, set the gain, add outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.formats import gain, outliers
from tabulae.formats.fitted import Fitted, Rounder
from tabulae.formats.fitting import fit
from tabulae.formats.pieces import Pieces

if TYPE_CHECKING:
    from tabulae.formats.format import Format


def encode(form: Format, x: Float32s, importance: Float32s | None, rounder: Rounder = Fitted.round) -> TableMatrix:
    """The integers for finite x [rows, cols] in a format."""
    found = outliers.positions(x, form.sparse)
    pieces = Pieces(x, form.group or x.shape[1], importance, found)
    fitted = fit(form, pieces, outliers.least_scales(x, found))
    matrix = _rounded(fitted, pieces, rounder)
    if not len(found):
        return matrix
    return outliers.with_outliers(matrix, x, found, int(np.abs(fitted.codebook.integers).argmin()))


def _rounded(fitted: Fitted, pieces: Pieces, rounder: Rounder) -> TableMatrix:
    """The matrix without its outliers."""
    rows, cols = pieces.x.shape
    codes, products = np.empty((rows, cols), np.uint8), np.empty((2, rows))
    for piece in pieces:
        chosen = rounder(fitted, piece)
        codes[piece.rows] = chosen.reshape(len(chosen), -1)[:, :cols]
        products[:, piece.rows] = gain.inner_products(piece, fitted.coded(piece, chosen), fitted.form.gain)
    return fitted.matrix(codes, products, pieces.group)
