"""Stop strings: found wherever the text is cut, and never begun."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.text.stops import Stops


@given(st.text("ab", max_size=12), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.data())
def test_text_ends_before_the_first_stop_string(text, strings, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    stops, shown = Stops(strings), ""
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        shown += stops.push(text[begin:end])
        before = min((at for one in strings if (at := text.find(one)) >= 0), default=len(text))
        assert shown == text[: len(shown)] and len(shown) <= before
        if stops.found:
            break
    shown += stops.finish()
    found = [at for one in strings if (at := text.find(one)) >= 0]
    assert shown == (text[: min(found)] if found else text) and bool(stops.found) == bool(found)


@pytest.mark.parametrize("strings", ["end", [""], [3]])
def test_what_is_no_list_of_texts_is_refused(strings):
    with pytest.raises(UsageError, match="a list of texts that are not empty"):
        Stops(strings)
