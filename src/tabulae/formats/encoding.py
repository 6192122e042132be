"""From weights to integers, one piece of rows at a time: fit the format, round to it, set the gain, add outliers."""

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.matrix import TableMatrix, row_chunks
from tabulae.errors import ModelError, UsageError
from tabulae.formats import gain, outliers
from tabulae.formats.encoded import Encoded, count_bits
from tabulae.formats.fitted import Fitted, Rounder
from tabulae.formats.fitting import fit
from tabulae.formats.format import Format
from tabulae.formats.pieces import Pieces

LARGEST = float.fromhex("0x1p100")  # weights beyond have scales whose products may overflow


def encode(form: Format, x: Float32s, importance: Float32s | None = None, rounder: Rounder = Fitted.round) -> Encoded:
    """Weights x, float32 [rows, cols], as integers; the result depends on nothing but the arguments.

    ``importance``, float32 [cols] or [rows, cols], not negative, weighs squared errors in ``search``, in the gain and
    in fitted codebooks. ``rounder`` chooses the codes once the format is fitted, by default the nearest.

    :raises ModelError: a weight that is not finite or too large
    :raises UsageError: x or importance of another type or shape
    """
    check_weights(x)
    if importance is not None:
        check_importance(importance, x.shape)
    matrix = _matrix(form, x, importance, rounder)
    return Encoded(form, matrix, count_bits(matrix, form.element.own_codebook, form.entropy))


def _matrix(form: Format, x: Float32s, importance: Float32s | None, rounder: Rounder) -> TableMatrix:
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


def check_weights(x: Float32s) -> None:
    """Refuse what is not a matrix of usable float32 numbers."""
    if getattr(x, "dtype", None) != np.float32 or x.ndim != 2 or not x.size:
        got = f"{getattr(x, 'dtype', type(x).__name__)} {list(np.shape(x))}"
        raise UsageError("encode", "weights must be a float32 array [rows, cols] with something in it", got)
    for rows in row_chunks(*x.shape):
        good = np.abs(x[rows]) < LARGEST  # NaN compares false
        if not good.all():
            row, col = (int(i) for i in np.argwhere(~good)[0])
            where = f"{x[rows][row, col]} at [{rows.start + row}, {col}]"
            raise ModelError("encode", "every weight must be finite and below 2^100", where, "mend the trained model")


def check_importance(importance: Float32s, shape: tuple[int, ...]) -> None:
    """Refuse an importance that does not fit weights of that shape."""
    if getattr(importance, "dtype", None) != np.float32 or importance.shape not in (shape, shape[1:]):
        got = f"{getattr(importance, 'dtype', type(importance).__name__)} {list(np.shape(importance))}"
        raise UsageError("encode", f"importance must be float32 {list(shape[1:])} or {list(shape)}", got)
    if not (np.isfinite(importance).all() and (importance >= 0).all()):
        raise UsageError(
            "encode", "importance must be finite and not negative", f"{importance.min()} to {importance.max()}"
        )
