"""Stop strings: found wherever the text is cut, and never begun."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.text.stops import Stops


@given(
    st.text("ab", max_size=12),
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(0, 12), max_size=4),
)
@example("baa", ["a", "baa"], [2])  # the longer one begins before, and is complete after
def test_text_ends_before_the_first_stop_string(text, strings, cuts):
    cuts = sorted(min(cut, len(text)) for cut in cuts)
    stops, shown = Stops(strings), ""
    ends = [(at + len(one), at, one) for one in strings if (at := text.find(one)) >= 0]
    _, before, found = min(ends, default=(0, len(text), None))
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        shown += stops.push(text[begin:end])
        assert shown == text[: len(shown)] and len(shown) <= before
        if stops.found:
            break
    assert shown + stops.finish() == text[:before] and stops.found == found


@pytest.mark.parametrize("strings", ["end", [""], [3]])
def test_what_is_no_list_of_texts_is_refused(strings):
    with pytest.raises(UsageError, match="a list of texts that are not empty"):
        Stops(strings)
