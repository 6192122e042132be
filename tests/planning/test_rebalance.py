"""Known sizes: they count as they are, and others of the same tensor in proportion."""

from hypothesis import given
from hypothesis import strategies as st

from tabulae.planning.candidates import Candidate
from tabulae.planning.rebalance import certain, corrected

OPTIONS = {
    "a": [
        Candidate("grid:3/row/rms", 1000, 1500, 1.0, 7),
        Candidate("grid:4/row/rms", 1400, 1600, 0.3, 7),
        Candidate("int:4/row/absmax", 1600, 1600, 0.5, 7),
    ],
    "b": [Candidate("grid:3/row/rms", 10, 15, 1.0)],
}


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_known_sizes_are_taken_and_others_scaled(file, memory):
    found = corrected(OPTIONS, {"a": {"grid:3/row/rms": (file, memory)}})
    first, second, fixed = found["a"]
    assert (first.file, first.memory, first.loss, first.header) == (file, memory, 1.0, 7)
    assert 0 <= second.file - 1400 * file / 1000 < 1 + 1e-9 and second.memory == 1600
    assert fixed is OPTIONS["a"][2] and found["b"] is OPTIONS["b"]


def test_the_longest_surprise_counts():
    known = {"a": {"grid:3/row/rms": (1100, 1500), "grid:4/row/rms": (1414, 1600)}}
    assert [c.file for c in corrected(OPTIONS, known)["a"]] == [1100, 1414, 1600]


def test_certain_leaves_what_is_known_or_exact():
    known = {"a": {"grid:4/row/rms": (1410, 1600)}}
    found = certain(OPTIONS, known)
    assert [c.storage for c in found["a"]] == ["grid:4/row/rms", "int:4/row/absmax"] and found["a"][0].file == 1410
    assert found["b"] == OPTIONS["b"]  # nothing is certain there: all stay
