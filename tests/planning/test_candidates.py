"""The lists of formats."""

import pytest

from tabulae.formats import parse
from tabulae.planning.candidates import ZERO, Line, lines, single


@pytest.mark.parametrize("entropy", [False, True])
@pytest.mark.parametrize("any_format", [False, True])
def test_every_name_is_a_format_as_it_writes_itself(entropy, any_format):
    names = [name for line in lines(entropy=entropy, any_format=any_format) for name in line.names]
    assert [str(parse(name)) for name in names] == names
    assert len(set(names)) == len(names)
    assert any(parse(name).entropy for name in names) == entropy
    assert any(parse(name).sparse for name in names) == (any_format or entropy)


def test_what_is_measured_is_offered():
    for line in lines(entropy=True, any_format=True):
        assert set(line.measured) <= set(line.bits) and list(line.bits) == sorted(line.bits)


def test_fractions_of_bits_are_written_short():
    assert Line("grid:{b}/row/rms", (2, 2.25), (2,)).names == ("grid:2/row/rms", "grid:2.25/row/rms")
    assert single("int:8/row/absmax").names == ("int:8/row/absmax",)


def test_the_format_for_nothing_is_one():
    assert str(parse(ZERO)) == ZERO
