"""Fit and round apart: the codes are the rounder's, all else is not."""

import numpy as np
import pytest

from tabulae.arithmetic import matrix as matrices
from tabulae.formats import encode, outliers, parse
from tabulae.formats.fitted import Fitted
from tabulae.formats.fitting import fit
from tabulae.formats.pieces import Pieces

X = np.random.default_rng(3).standard_t(5, (13, 100)).astype(np.float32)
NAMES = [
    "int:4/g32/signmax",
    "lloyd:3/row/search",
    "normal:3/tensor/search",
    "grid:3/row/rms",
    "t:4/g64/search/sparse=0.01",
]


def fitted_to(name):
    form = parse(name)
    found = outliers.positions(X, form.sparse)
    pieces = Pieces(X, form.group or X.shape[1], None, found)
    return fit(form, pieces, outliers.least_scales(X, found)), pieces, found


@pytest.mark.parametrize("name", NAMES)
def test_rounding_takes_the_nearest_of_all_that_can_be_decoded(name):
    fitted, pieces, found = fitted_to(name)
    (piece,) = pieces
    errors = np.abs(fitted.codebook.integers * fitted.steps(piece)[..., None, None] - piece.x[..., None])
    codes = fitted.round(piece)
    least = np.take_along_axis(errors, codes[..., None].astype(int), axis=-1)[..., 0]
    if fitted.codebook.thresholds is None:
        np.testing.assert_allclose(least, errors.min(axis=-1), rtol=1e-5, atol=1e-6 * np.abs(X).max())
    chosen = encode(parse(name), X).codes
    dense = np.setdiff1d(np.arange(X.size), found)
    assert (codes.reshape(len(X), -1)[:, : X.shape[1]].reshape(-1)[dense] == chosen.reshape(-1)[dense]).all()


@pytest.mark.parametrize("name", NAMES)
def test_another_rounder_changes_codes_and_what_follows_from_them(name, monkeypatch):
    seen = []

    def middle(fitted, piece):
        seen.append(piece.rows)
        return np.full(piece.x.shape, len(fitted.codebook.integers) // 2, np.uint8)

    monkeypatch.setattr(matrices, "CHUNK", 5 * X.shape[1])
    plain, other = encode(parse(name), X).matrix, encode(parse(name), X, None, middle).matrix
    assert [rows.start for rows in seen] == [0, 5, 10]
    np.testing.assert_array_equal(plain.codebook, other.codebook)
    assert plain.multipliers is None or (plain.multipliers == other.multipliers).all()
    assert len(np.unique(other.codes)) <= 2  # and that of the weights that are stored beside


def test_the_gain_is_set_by_the_codes_that_were_chosen():
    form = parse("int:4/row/absmax")
    matrix = encode(form, X, None, lambda fitted, piece: np.maximum(Fitted.round(fitted, piece), 1) - 1).matrix
    coded = matrix.codebook[matrix.codes].astype(np.float64)
    wanted = (X * coded).sum(axis=1) / (coded * coded).sum(axis=1)
    np.testing.assert_allclose(matrix.scales, wanted, rtol=2**-8)
