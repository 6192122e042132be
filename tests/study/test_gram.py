"""The Gram matrix against NumPy, within what rounding to 21 bits can cost; the same in any order."""

import numpy as np
import pytest

from tabulae.study.gram import ROWS, GramSum


def gram_of(*parts):
    gram = GramSum()
    for part in parts:
        gram(part)
    return gram.mean


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (300, 64), (ROWS + 5, 8)])
def test_it_is_that_of_numpy(shape):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(shape) * np.exp2(rng.integers(-40, 40, shape[1]))).astype(np.float32)
    exact, loudest = x.astype(np.float64), np.abs(x.astype(np.float64)).max(axis=0)
    gram = gram_of(x)
    assert (np.abs(gram - exact.T @ exact / len(x)) <= 2.0**-20 * np.outer(loudest, loudest)).all()
    assert (gram == gram.T).all() and gram.dtype == np.float64


def test_small_integers_are_exact_however_they_are_cut_and_ordered():
    x = np.random.default_rng(2).integers(-99, 99, (200, 16)).astype(np.float32)
    whole = x.astype(np.int64).T @ x.astype(np.int64) / 200
    for found in (gram_of(x), gram_of(x[:77], x[77:]), gram_of(x[::-1])):
        np.testing.assert_array_equal(found, whole)


def test_the_order_of_rows_does_not_matter_to_the_bit():
    x = np.random.default_rng(3).standard_normal((512, 32)).astype(np.float32)
    np.testing.assert_array_equal(gram_of(x), gram_of(x[np.random.default_rng(4).permutation(512)]))


def test_silent_columns():
    x = np.array([[0.0, 2.0], [0.0, 4.0]], np.float32)
    np.testing.assert_array_equal(gram_of(x), [[0, 0], [0, 10]])
