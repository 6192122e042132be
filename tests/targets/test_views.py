"""Views: what can be walked is walked, and what is walked are the very elements."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nets_at_random import NETS, patches, reshaped, strides
from tabulae.nets.builder import Builder
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.ops.take import Piece, Take
from tabulae.targets.views import Loop, View, loops, stored, view, views

NESTS = st.lists(st.tuples(st.integers(2, 4), st.integers(-9, 9)), max_size=3)


def numbers(nest):
    """Where a nest of loops leads, one after the other."""
    found = np.zeros(1, np.int64)
    for count, stride in nest:
        found = (found[:, None] + stride * np.arange(count)).reshape(-1)
    return found


def elements(seen):
    """Of a view."""
    found = np.array(seen.base)
    for axis in seen.axes:
        found = found[..., None] + numbers(axis)
    return found


@given(NESTS)
def test_loops_lead_where_numbers_are(nest) -> None:
    found = loops(numbers(nest))
    assert found is None or (numbers(found) == numbers(nest)).all()
    assert len(nest) > 1 or found is not None, "one loop is always found"


@given(st.lists(NESTS, min_size=1, max_size=3), st.integers(0, 9))
def test_a_view_leads_where_elements_are(axes, base) -> None:
    wanted = elements(View("x", base, tuple(axes)))
    found = view("x", wanted)
    assert found is None or (elements(found) == wanted).all()


def test_deeper_nests_and_axes_that_depend_on_each_other_are_no_views() -> None:
    assert loops(np.array([0, 1, 3, 4, 9, 10, 12, 13]), 2) is None
    assert loops(np.array([0, 1, 3, 4, 9, 10, 12, 13])) == (Loop(2, 9), Loop(2, 3), Loop(2, 1))
    assert loops(np.array([0, 1, 3, 4, 8])) is None
    assert view("x", np.array([[0, 1], [1, 3]])) is None


def chain(*takes):
    """A net that reads what takes leave."""
    net = Builder()
    net.input("x", (4, 6), 0, 3)
    for take, shape in takes:
        net.add(take, shape)
    last, shape = takes[-1]
    net.add(ShiftAdd((Term(last.out),), "y"), shape)
    return net.built(("y",)).program


TURNED = (Take((Piece("x", 0, (1, 6)),), "turned"), (6, 4))
FLAT = (Take((Piece("turned", 0, (1,)),), "flat"), (24,))


def test_a_chain_of_views_is_one() -> None:
    found = views(chain(TURNED, FLAT), lambda op, seen: True)
    assert found["turned"] == View("x", 0, ((Loop(6, 1),), (Loop(4, 6),)))
    assert found["flat"] == View("x", 0, ((Loop(6, 1), Loop(4, 6)),))


def test_what_a_reader_does_not_accept_is_stored() -> None:
    found = views(chain(TURNED, FLAT), lambda op, seen: op.tag != "take" and seen.is_flat())
    assert not found, "and what a stored one reads is stored, if it is not accepted either"


@pytest.mark.parametrize(
    "pieces",
    [
        (Piece("x", 0, (6, 1), (1, 0), (3, 6)),),
        (Piece("x", 0, (6, 1), (0, 0), (1, 6)), Piece("t", 0, (6, 1), (1, 0), (3, 6))),
    ],
    ids=["fill", "two values"],
)
def test_no_views(pieces) -> None:
    net = Builder()
    net.input("x", (4, 6), 0, 3)
    net.input("t", (4, 6), 0, 3)
    net.add(ShiftAdd((Term(net.add(Take(pieces, "v"), (4, 6))),), "y"), (4, 6))
    assert not views(net.built(("y",)).program, lambda op, seen: True)


def test_an_output_is_stored() -> None:
    net = Builder()
    net.input("x", (4, 6), 0, 3)
    net.add(*TURNED)
    assert not views(net.built(("turned",)).program, lambda op, seen: True)


def test_patches_are_rows_of_a_window() -> None:
    net = Builder()
    net.input("x", (6, 5, 2), 0, 3)
    seen = patches(net, "x", 3, 1, "seen")
    net.add(ShiftAdd((Term(seen),), "y"), (4, 3, 18))
    found = views(net.built(("y",)).program, lambda op, seen: True)["seen"]
    assert found == View("x", 0, ((Loop(4, 10),), (Loop(3, 2),), (Loop(3, 10), Loop(6, 1))))


def test_stored_values_are_whole() -> None:
    program = NETS["convolutional"]().program
    for name, value in program.values.items():
        assert stored(name, value).is_whole()
        assert (elements(stored(name, value)) == np.arange(value.width).reshape(value.static)).all()
    assert not view("x", np.arange(12).reshape(3, 4).T).is_whole()
    assert not view("x", np.arange(12).reshape(3, 4)[:, :3]).is_whole()
    assert view("x", 5 + np.arange(12).reshape(3, 4)).is_whole(), "wherever it begins"


def test_reshapes_are_views() -> None:
    net = Builder()
    net.input("x", (2, 3), 0, 3)
    flat = reshaped(net, "x", (6,), "flat")
    net.add(ShiftAdd((Term(flat),), "y"), (6,))
    assert views(net.built(("y",)).program, lambda op, seen: True)["flat"].strides() == strides((6,))
