"""The search for scales, against trying very many by hand."""

import numpy as np
import pytest

from tabulae.formats import encode, parse
from tabulae.formats.nearest import Nearest
from tabulae.formats.pieces import Pieces
from tabulae.formats.search import COARSE, EXPONENTS, divided, group_factors, tensor_factor

INTEGERS = np.array([-3, -1, 1, 3], np.int16)


def errors(x, steps, weights, integers=INTEGERS):
    """Weighted squared errors [n, groups, steps] of every step [..., steps], in float64."""
    distances = np.abs(x[..., None, None] - steps[..., None, :, None] * integers).min(axis=-1)
    return np.sum(weights[..., None] * distances**2, axis=-2)


def test_seventeen_factors_from_a_quarter_to_four():
    assert sorted(EXPONENTS) == [k / 4 for k in range(-8, 9)]


@pytest.mark.parametrize("weighted", [False, True])
def test_every_group_gets_a_factor_that_is_all_but_the_best(weighted):
    rng = np.random.default_rng(3)
    x = rng.standard_t(4, (60, 96)).astype(np.float32)
    importance = rng.random((60, 96)).astype(np.float32) if weighted else None
    (piece,) = Pieces(x, 32, importance)
    weights = piece.weights if weighted else np.ones(piece.x.shape)
    sixteen = np.arange(-15, 16, 2, dtype=np.int16)
    largest = np.abs(piece.x).max(axis=-1) / 15
    factors = group_factors(piece, largest, Nearest(sixteen))
    found = errors(piece.x, (largest * factors)[..., None], weights, sixteen)[..., 0]
    by_hand, coarse = (
        errors(piece.x, largest[..., None] * 2 ** np.array(tried), weights, sixteen).min(axis=-1)
        for tried in (np.linspace(-2, 0.5, 1001), COARSE)
    )
    assert (found <= coarse * (1 + 1e-6)).all() and found.sum() < 0.95 * coarse.sum()
    assert found.sum() < 1.03 * by_hand.sum()


def test_a_tensor_gets_one_factor():
    x = np.random.default_rng(4).standard_normal((40, 32)).astype(np.float32)
    table = errors(x[:, None], 0.2 * 2 ** np.array(EXPONENTS), np.ones((40, 1, 32))).sum(axis=(0, 1))
    assert tensor_factor(Pieces(x, 32), 0.2, Nearest(INTEGERS)) == 2 ** EXPONENTS[table.argmin()]


def test_of_equals_the_unchanged_one_wins():
    (piece,) = Pieces(np.zeros((1, 4), np.float32), 4)
    assert group_factors(piece, np.zeros((1, 1)), Nearest(INTEGERS)).tolist() == [[1.0]]


def test_division_by_nothing_gives_nothing():
    x = np.ones((1, 2, 2), np.float32)
    assert divided(x, np.array([[0.0, -2.0]])).tolist() == [[[0, 0], [-0.5, -0.5]]]


@pytest.mark.parametrize("granularity", ["g64", "row", "tensor"])
def test_searching_never_loses_much_and_mostly_wins(granularity):
    x = np.random.default_rng(5).standard_t(5, (64, 256)).astype(np.float32)
    plain = "rms" if granularity == "tensor" else "absmax"
    error = {s: np.square(encode(parse(f"int:3/{granularity}/{s}"), x).decode() - x).sum() for s in ("search", plain)}
    assert error["search"] <= error[plain] * 1.001


def test_importance_moves_the_error_to_where_it_matters_little():
    x = np.random.default_rng(6).standard_t(4, (64, 256)).astype(np.float32)
    importance = np.where(np.arange(256) % 2, 1.0, 1e-3).astype(np.float32)
    form = parse("int:3/g32/search")
    plain, weighted = encode(form, x).decode(), encode(form, x, importance).decode()
    assert np.square(weighted - x)[:, 1::2].sum() < 0.95 * np.square(plain - x)[:, 1::2].sum()
