"""Nets on the native core: the integers of the interpreter, in batches of any length, and calls that are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nets_at_random import NETS, dense, inputs_of
from tabulae import _native
from tabulae.errors import ModelError, UsageError
from tabulae.nets.builder import Builder
from tabulae.program.interpreter import Interpreter
from tabulae.program.net import Reading
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.runtime.net import NetModel


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(NETS)),
    st.integers(0, 2**32 - 1),
    st.integers(1, 130),
    st.integers(1, 3),
    st.sampled_from(_native.isas()),
)
def test_the_integers_of_the_interpreter(kind, seed, n, threads, isa):
    built = NETS[kind](seed)
    x = inputs_of(built, n, seed)
    expected = Interpreter(built.program, {}, arrays=built.arrays).run(x)
    found = NetModel(*built, threads=threads, isa=isa)(x)
    assert [*found] == [*built.program.outputs]
    for name, y in found.items():
        assert y.dtype == np.int32
        np.testing.assert_array_equal(y, expected[name], err_msg=name)


def test_no_examples_give_none():
    built = dense()
    assert {name: y.shape for name, y in NetModel(*built)(np.zeros((0, 13), int)).items()} == {
        name: (0, *built.program.values[name].static) for name in built.program.outputs
    }


def two():
    """An input with a reading and one of channels with intervals of their own."""
    net = Builder()
    x, y = net.input("x", (2,), -3, 3, Reading(2.0, (0.0, 1.0)), unit=(0.5, 1.0)), net.input("y", (2,), 0, 1)
    moved = net.add(ShiftAdd((Term(x, 1), Term(y, negative=True)), "moved", net.array("c", np.array([0, 9]))), (2,))
    return net.built((moved, net.add(ShiftAdd((Term(moved), Term(x)), "sum"), (2,), unit=0.25)))


def test_floats_are_read_as_the_net_says():
    model, y = NetModel(*two()), np.array([[0, 1]])
    found = model({"x": np.float32([[0.6, -9.0]]), "y": y})
    assert {name: x.tolist() for name, x in found.items()} == {"moved": [[2, 2]], "sum": [[3, -1]]}
    assert model({"x": np.array([[1, -3]], np.int8), "y": y})["sum"].tolist() == [[3, -1]]
    assert model.numbers(found)["sum"].tolist() == [[0.75, -0.25]]


ONES = np.ones((3, 2), int)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (ONES, r"\[inputs\] several must be given by name, but got one array; its inputs are x, y"),
        ({"x": ONES}, r"\[inputs\] every input of the net must be given, and no other, but got \['x'\]"),
        ({"x": ONES, "y": ONES, "z": ONES}, "and no other"),
        ({"x": ONES[:2], "y": ONES}, r"\[inputs\] all must have as many examples, but got \{'x': 2, 'y': 3\}"),
        ({"x": ONES, "y": ONES[0]}, r"\[input y\] its shape must be \[examples, 2\], but got \[2\]"),
        ({"x": ONES, "y": np.int64(1)}, r"\[input y\] its shape must be \[examples, 2\], but got \[\]"),
        ({"x": ONES[:, :1], "y": ONES}, r"\[input x\] its shape must be \[examples, 2\], but got \[3, 1\]"),
        ({"x": ONES, "y": ONES > 0}, r"\[input y\] it must hold integers or floats, but got bool"),
        ({"x": ONES, "y": ONES * 1j}, "it must hold integers or floats, but got complex128"),
        ({"x": ONES, "y": ONES + 0.5}, r"\[input y\] the net must say how it reads floats, but got no reading"),
        ({"x": ONES, "y": ONES * 2}, r"\[input y\] it must lie in \(0, 1\), per channel, but got \(2, 2\)"),
        ({"x": ONES - 5, "y": ONES}, r"\[input x\] it must lie in \(-3, 3\), per channel, but got \(-4, -4\)"),
        ({"x": ONES, "y": ONES * 2**40}, "it must lie in"),
        ({"x": np.full((3, 2), np.nan), "y": ONES}, r"\[input\] every number must be one, but got NaN"),
    ],
)
def test_what_is_refused(inputs, message):
    with pytest.raises(UsageError, match=message):
        NetModel(*two())(inputs)


def test_arrays_that_do_not_fit_are_refused_before_the_core_sees_them():
    program, arrays = dense()
    name = next(name for name in arrays if name.endswith(".select"))
    with pytest.raises(ModelError, match="must name tables"):
        NetModel(program, {**arrays, name: arrays[name] + 99})
    with pytest.raises(ModelError, match="every weight of the program must be given"):
        NetModel(program, {})
    name = next(name for name in arrays if name.endswith(".thresholds"))
    wide = arrays[name].astype(np.int64)
    wide[:, -1] = 2**31
    with pytest.raises(ModelError, match=rf"\[{name}\] stored integers must have 32 bits"):
        NetModel(program, {**arrays, name: wide})
