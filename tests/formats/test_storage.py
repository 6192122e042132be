"""Names of storages: those of formats where nothing is done besides; what cannot be done yet is refused by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.formats import Storage, encode, parse

NAMES = ["normal:4/g64/signmax", "grid:2.5/row/rms/sparse=0.001", "t:4,nu=7/row/rms/gain=unbiased/entropy"]
SEEDS = st.none() | st.integers(0, 2**32 - 1)
X = np.random.default_rng(0).standard_normal((16, 64)).astype(np.float32)


@given(st.sampled_from(NAMES), SEEDS, st.booleans())
def test_names_read_back(name, rotate, feedback):
    storage = Storage(parse(name), rotate, feedback)
    assert Storage.parse(str(storage)) == storage and str(Storage.parse(str(storage))) == str(storage)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_by_itself_has_its_own_name_and_bytes(name):
    storage = Storage.parse(name)
    assert storage == Storage(parse(name)) and str(storage) == name
    np.testing.assert_array_equal(storage.encode(X).codes, encode(parse(name), X).codes)


def test_a_rounder_is_handed_on():
    codes = Storage.parse(NAMES[0]).encode(X, rounder=lambda fitted, piece: np.full(piece.x.shape, 3, np.uint8)).codes
    assert (codes == 3).all()


def test_every_part_has_its_word():
    form = parse(NAMES[0])
    assert str(Storage(form, rotate=0)) == f"{NAMES[0]}/rotate=0"
    assert str(Storage(form, feedback=True)) == f"{NAMES[0]}/feedback"
    assert str(Storage(form, 5, True)) == f"{NAMES[0]}/rotate=5/feedback"
    assert str(Storage.parse("int:4/row/absmax/gain=ls/rotate=1")) == "int:4/row/absmax/rotate=1"  # defaults go


def test_what_is_rotated_has_no_loud_block():
    assert (Storage(parse(NAMES[0])).exponents, Storage(parse(NAMES[0]), rotate=0).exponents) == (4, 0)


@pytest.mark.parametrize(
    "end", ["rotate=", "rotate=-1", "rotate=x", "rotate=01", "rotate=4294967296", "rotate=1/sparse=0.1"]
)
def test_seeds_that_are_none(end):
    with pytest.raises(UsageError, match="rotate must be a seed, a whole number below 2"):
        Storage.parse(f"int:4/row/absmax/{end}")


@pytest.mark.parametrize("end", ["feedback/rotate=1", "feedback/feedback", "feedback=1", "rotate", "turned"])
def test_what_is_no_name(end):
    with pytest.raises(UsageError, match="an option must be known"):
        Storage.parse(f"int:4/row/absmax/{end}")


@pytest.mark.parametrize("end", ["rotate=1", "feedback", "rotate=1/feedback"])
def test_what_cannot_be_done_yet(end):
    storage = Storage.parse(f"int:4/row/absmax/{end}")
    for refused in (storage.check, lambda: storage.encode(X)):
        with pytest.raises(UsageError, match="must be known to this version") as error:
            refused()
        assert error.value.got == end.replace("=1", "").replace("/", " and ") and "int:4/row/absmax" in error.value.hint
