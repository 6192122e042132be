"""Names: what is no identifier of C or C++ is refused, values get identifiers of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.targets.c.names import KEYWORDS, LONGEST, check_name, identifiers


@pytest.mark.parametrize("name", ["net", "Net2", "a" * LONGEST])
def test_accepted(name) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "1st", "_net", "a-b", "naïve", "a b", "a" * (LONGEST + 1), "net\n"])
def test_refused(name) -> None:
    with pytest.raises(UsageError, match=r"\[name\] it must be an identifier of C, but got .*accepted: a letter"):
        check_name(name)


@pytest.mark.parametrize("name", ["for", "class", "main", "restrict"])
def test_keywords_are_refused(name) -> None:
    with pytest.raises(UsageError, match=f"but got {name}, a keyword"):
        check_name(name)


@given(st.lists(st.text("aB1_. -é", max_size=5), unique=True))
def test_values_get_identifiers_of_their_own(names) -> None:
    found = identifiers(names, ["add"])
    assert len(set(found.values())) == len(names)
    for name in found.values():
        assert name.isidentifier() and name.isascii() and name not in KEYWORDS and name != "add"
