"""What passes do to an input they do to its statistics: against those of the changed input."""

import numpy as np
import pytest

from tabulae.formats import InputStatistics, Storage, encode
from tabulae.formats.input_statistics import of_squares

X = np.random.default_rng(0).standard_normal((50, 12))


def known(x):
    return InputStatistics(np.square(x).mean(0).astype(np.float32), x.T @ x / len(x))


def close(a, b):
    np.testing.assert_allclose(a.mean_square, b.mean_square, rtol=1e-6)
    np.testing.assert_allclose(a.gram, b.gram, rtol=1e-12, atol=1e-15)
    assert a.mean_square.dtype == np.float32


def test_columns_in_another_order():
    order = np.random.default_rng(1).permutation(12)
    close(known(X).taken(order), known(X[:, order]))


def test_columns_over_factors():
    factors = np.exp2(np.random.default_rng(2).uniform(-3, 3, 12)) * np.where(np.arange(12) % 2, 1, -1)
    close(known(X).over(factors), known(X / factors))
    factors[3] = 0
    found = known(X).over(factors)
    assert found.mean_square[3] == 0 and not found.gram[3].any() and (found.gram == found.gram.T).all()


def test_turned_at_random():
    found = known(X).evened(4)
    assert found.gram is None
    np.testing.assert_allclose(found.mean_square, np.repeat(known(X).mean_square.reshape(3, 4).mean(1), 4), rtol=1e-6)


def test_without_a_gram_matrix():
    alone = of_squares({"w": known(X).mean_square})["w"]
    changed = (alone.taken(np.arange(12)[::-1]), alone.over(np.ones(12)), alone.evened(3))
    assert all(one.gram is None for one in changed)


@pytest.mark.parametrize("name", ["lloyd:3/g32/search", "int:4/row/absmax"])
def test_errors_are_weighed_by_mean_squares_and_shares(name):
    w = np.random.default_rng(5).standard_normal((8, 64)).astype(np.float32)
    importance = np.random.default_rng(6).random(64, np.float32)
    shares = np.arange(1, 9, dtype=np.float32)
    storage, inputs = Storage.parse(name), InputStatistics(importance)
    for found, weights in (
        (storage.encode(w, inputs), importance),
        (storage.encode(w, inputs, shares), shares[:, None] * importance),
        (storage.encode(w, None, shares), shares[:, None] * np.ones(64, np.float32)),
    ):
        np.testing.assert_array_equal(found.decode(), encode(storage.format, w, weights).decode())
