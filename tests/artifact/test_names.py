"""Names from files."""

import pytest

from tabulae.artifact.names import check_name, first_repeat, shown
from tabulae.errors import TableModelError


@pytest.mark.parametrize("name", ["a", "model.layers.0.weight", "с пробелом", "x" * 256, "tabulae", "blk.0/attn"])
def test_good_names(name):
    check_name(name)


@pytest.mark.parametrize("name", ["", "x" * 257, "a\x00", "a\n", "\u200b", "tabulae.a", "__metadata__"])
def test_bad_names(name):
    with pytest.raises(TableModelError, match=r"\[name\]"):
        check_name(name)


def test_blobs_have_the_prefix():
    check_name("tabulae.tokenizer", blob=True)
    for name in ("tokenizer", "tabulae.seal"):
        with pytest.raises(TableModelError, match=r"names that start with 'tabulae.' must be of blobs"):
            check_name(name, blob=True)


def test_first_repeat():
    assert first_repeat(["a", "b", "b", "a"]) == "b"
    assert first_repeat(["a", "b"]) is None


def test_shown_is_short_and_printable():
    assert shown("é") == "é"
    assert shown("\x1b[2J\n") == r"\x1b[2J\n"
    assert len(shown("\x00" * 10**6)) == 200
