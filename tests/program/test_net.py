"""Nets: what is proved of their integers holds for all inputs, and what does not hold is refused."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nets_at_random import NETS, dense, inputs_of
from tabulae.errors import ModelError, UsageError
from tabulae.program.graph import Decoder
from tabulae.program.interpreter import Interpreter
from tabulae.program.net import Net, Reading
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.ops.take import Piece, Take
from tabulae.program.proof import Range
from tabulae.program.value import FLOAT32, Int, Value


@pytest.mark.parametrize("name", NETS)
@given(seed=st.integers(0, 99))
def test_no_integer_leaves_what_was_proved(name, seed):
    built = NETS[name](seed)
    values = Interpreter(built.program, {}, arrays=built.arrays).run(inputs_of(built, 20, seed))
    for name, value in built.program.values.items():
        low, high = Range.of(value)
        x = values[name].reshape(-1, value.channels)
        assert (low <= x.min(axis=0)).all() and (x.max(axis=0) <= high).all(), name


@pytest.mark.parametrize("name", NETS)
def test_a_net_is_read_back_as_it_was_written(name):
    built = NETS[name]()
    text = msgspec.json.encode(built.program)
    assert msgspec.json.decode(text, type=Decoder | Net) == built.program


def changed(built, **fields):
    return msgspec.structs.replace(built.program, **fields)


def test_an_interval_that_does_not_hold_is_refused():
    built = dense()
    name = built.program.outputs[0]
    values = {**built.program.values, name: Value(("positions", 5), Int(-1, 1))}
    with pytest.raises(ModelError, match=r"\[value .*products\] it must lie in \(-1, 1\), per channel, but got"):
        changed(built, values=values).check_integers(built.arrays)


def test_what_is_no_net_is_refused():
    built = dense()
    values = {**built.program.values, "x": Value(("positions", 13), FLOAT32)}
    with pytest.raises(ModelError, match=r"\[value x\] it must be of integers"):
        changed(built, values=values).check()
    values = {**built.program.values, "x": Value(("positions", 13), Int((0, 0), 7))}
    with pytest.raises(ModelError, match=r"\[interval\] its ends must be one number or 13, but got \[2\]"):
        changed(built, values=values).check()
    with pytest.raises(ModelError, match=r"\[program\] readings must be of its inputs, x, but got y"):
        changed(built, readings={"y": Reading()}).check()
    with pytest.raises(ModelError, match=r"\[reading of x\] it must have one number or 13, all finite, but got \[2\]"):
        changed(built, readings={"x": Reading((1.0, 2.0))}).check()
    with pytest.raises(ModelError, match=r"\[reading of x\] .* all finite"):
        changed(built, readings={"x": Reading(1e300)}).check()


def test_a_reading_rounds_down_and_stays_within():
    within = Range(np.array([0, -2]), np.array([7, 2]))
    x = np.array([[0.99, 1.0], [-5, 99], [1e30, -1e30]])
    assert Reading((2.0, 1.0), 0.25).integers(x, within).tolist() == [[2, 1], [0, 2], [7, -2]]
    with pytest.raises(UsageError, match=r"\[input\] every number must be one, but got NaN; leave out"):
        Reading().integers(np.array([np.nan, 0.0]), within)


L = 2**31 - 1


def one(op, *inputs, out=(1,), high=L):
    """A net of one operation on inputs of one number."""
    values = {name: Value(("positions", 1), Int(0, L)) for name in inputs}
    values["z"] = Value(("positions", *out), Int(0, high))
    return Net((op,), values, inputs, ("z",))


def test_a_proof_does_not_wrap() -> None:
    """8 x 2^30 x and some more is 0..7 modulo 2^64: an address that could be anything."""
    terms = (*(Term("x", 30) for _ in range(8)), Term("w", 2), Term("v"))
    net = one(ShiftAdd(terms, "z"), "x", "w", "v", high=3)
    net.check()
    with pytest.raises(ModelError, match="every term must stay within 32 bits"):
        net.prove({})


@pytest.mark.parametrize(
    ("low", "high", "must"),
    [
        (0, 2**62, r"its ends must lie in -2147483647\.\.2147483647"),
        (0, 2**63, "its ends must lie in"),
        (-(2**31), 0, "its ends must lie in"),
        ((5, 0), (0, 9), "no end must lie below the other"),
    ],
)
def test_intervals_that_are_none(low, high, must) -> None:
    values = {"x": Value(("positions", 2), Int(low, high))}
    with pytest.raises(ModelError, match=must):
        Net((), values, ("x",), ("x",)).check()


def test_a_few_bytes_do_not_ask_for_much_memory() -> None:
    """Refused by their sizes, before anything is proved."""
    wide = Take((Piece("x", 0, (0,)),), "z")
    with pytest.raises(ModelError, match="all values of an example must have at most 67108864 numbers"):
        one(wide, "x", out=(L,)).check()
    boxes = Take(tuple(Piece("x", 0, (0,)) for _ in range(100)), "z")
    with pytest.raises(ModelError, match="all boxes must hold at most 67108864 numbers"):
        one(boxes, "x", out=(1 << 20,)).check()


def test_a_value_is_written_once_and_an_answer_is_a_label() -> None:
    op = ShiftAdd((Term("x"),), "z")
    twice = one(op, "x")
    with pytest.raises(ModelError, match=r"\[value z\] it must be written once, and given once, but got twice"):
        msgspec.structs.replace(twice, operations=(op, op)).check()
    with pytest.raises(ModelError, match=r"\[value z\] it must be written once, and given once"):
        msgspec.structs.replace(twice, outputs=("z", "z")).check()
    with pytest.raises(
        ModelError, match=r"the last output must be a number of its 2 labels, but got \(0, 2147483647\)"
    ):
        msgspec.structs.replace(twice, labels=("a", "b")).check()


def test_ties_of_quantised_models_go_to_even() -> None:
    within = Range(np.array([0]), np.array([255]))
    x = np.array([[0.125], [0.375], [0.625], [-0.125]])
    assert Reading(4.0, 0.5 + 8, even=True).integers(x, within).tolist() == [[8], [10], [10], [8]]
