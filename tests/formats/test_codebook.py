"""The rule that turns ideal codepoints into integers."""

import numpy as np
import pytest

from tabulae.formats import parse
from tabulae.formats.codebook import best_unit, exact_codebook, round_codebook
from tabulae.formats.density import atoms, source_density
from tabulae.formats.distributions import NORMAL


@pytest.mark.parametrize(
    "name", ["normal:2/row/rms", "normal:5/g64/signmax", "laplace:4/row/absmax", "t:4/g128/absmax"]
)
def test_int8_where_it_costs_little(name):
    stored = parse(name).stored
    assert not stored.wide and 96 <= np.abs(stored.integers).max() <= 127
    assert stored.added <= 0.005


@pytest.mark.parametrize("name", ["normal:6/row/rms", "laplace:5/row/rms", "t:5/row/rms", "t:6/g64/absmax"])
def test_int16_where_int8_costs_more(name):
    stored = parse(name).stored
    assert stored.wide and np.abs(stored.integers).max() == 8191
    assert stored.added <= 0.001


def test_what_even_int16_misses_is_told():
    assert parse("t:8/row/rms").stored.added == pytest.approx(0.073, abs=0.002)


@pytest.mark.parametrize("name", ["normal:4/g64/absmax", "t:3/row/rms", "nf4/g64/absmax", "lloyd:4/g64/signmax"])
def test_integers_stand_for_the_values(name):
    stored = parse(name).stored
    assert np.all(np.diff(stored.integers) > 0)
    assert np.abs(stored.integers * stored.unit - stored.values).max() <= stored.unit / 2 * 1.0001


def test_codepoints_that_coincide_are_one():
    book = round_codebook(np.array([-1.0, 0.0, 1e-9, 1.0]), atoms(np.array([-1.0, 0.0, 1.0]), np.ones(3)))
    assert len(book.integers) == 3
    assert book.padded(2).tolist() == [*book.integers, 0]


def test_a_codebook_of_zero_alone():
    book = round_codebook(np.zeros(1), atoms(np.zeros(1), np.ones(1)))
    assert (book.integers.tolist(), book.added) == ([0], 0.0)


def test_rounding_of_what_was_exact_is_never_free():
    values = np.array([-1.0, 0.1234, 1.0])
    book = round_codebook(values, atoms(values, np.ones(3)))
    assert book.wide and book.added > 1


def test_exact_integers_keep_their_unit():
    book = exact_codebook(np.array([-2, -1, 0, 1]), 0.5)
    assert (book.values.tolist(), book.wide, book.added) == ([-1.0, -0.5, 0.0, 0.5], False, 0.0)


def test_best_unit_for_a_normal_is_that_of_the_literature():
    assert best_unit(np.array([-1, 1]), source_density(NORMAL)) == pytest.approx((2 / np.pi) ** 0.5, rel=1e-3)
    assert best_unit(np.arange(-7, 8, 2), source_density(NORMAL)) == pytest.approx(0.5865 / 2, rel=2e-3)
