"""Pieces: what is padded, what weighs nothing."""

import numpy as np
import pytest

from tabulae.arithmetic import matrix
from tabulae.formats.pieces import Pieces

X = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def test_plain_pieces_have_no_weights():
    (piece,) = Pieces(X, group=2)
    assert piece.weights is None and piece.x.shape == (3, 2, 2)
    np.testing.assert_array_equal(piece.x.reshape(3, 4), X)


def test_a_short_last_group_is_padded_with_what_weighs_nothing():
    pieces = Pieces(X, group=3)
    (piece,) = pieces
    assert pieces.columns.tolist() == [3, 1]
    assert piece.x[0].tolist() == [[1, 2, 3], [4, 0, 0]]
    assert piece.weights[0].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_outliers_are_zero_and_weigh_nothing(monkeypatch):
    monkeypatch.setattr(matrix, "CHUNK", 8)
    first, second = Pieces(X, group=4, outliers=np.array([1, 10]))
    assert first.x[0, 0].tolist() == [1, 0, 3, 4] and first.weights[0, 0].tolist() == [1, 0, 1, 1]
    assert second.x[0, 0].tolist() == [9, 10, 0, 12] and (second.rows.start, second.rows.stop) == (2, 3)
    assert X[0, 1] == 2  # the caller's array is as it was


@pytest.mark.parametrize("importance", [np.array([1, 2, 4, 0]), np.tile([1, 2, 4, 0], (3, 1))])
def test_importance_is_scaled_to_at_most_one(importance):
    (piece,) = Pieces(X, 4, importance.astype(np.float32))
    assert piece.weights[2, 0].tolist() == [0.25, 0.5, 1, 0]


def test_importance_of_nothing_weighs_nothing():
    (piece,) = Pieces(X, 4, np.zeros(4, np.float32))
    assert not piece.weights.any()


def test_inner_products_are_weighted():
    (piece,) = Pieces(X, 4, np.array([1, 0, 0, 1], np.float32))
    assert piece.inner(piece.x, piece.x).tolist() == [1 + 16, 25 + 64, 81 + 144]
