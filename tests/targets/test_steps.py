"""Steps: sums become codes at once, what nobody needs is left out, what targets cannot tell apart is refused."""

import numpy as np
import pytest

from nets_at_random import NETS, encoded, products
from tabulae.errors import ModelError
from tabulae.nets.builder import Builder
from tabulae.program.net import Net
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.value import Int, Value
from tabulae.targets.steps import steps


def never(op, seen):
    return False


def small():
    net, rng = Builder(), np.random.default_rng(0)
    sums = products(net, rng, net.input("x", (4,), 0, 7), 3, 3)
    return net, sums, encoded(net, rng, sums, 2)


def test_sums_that_only_become_codes_do_so_at_once() -> None:
    net, _, codes = small()
    (step,) = steps(net.built((codes,)).program, never)
    assert step.op.tag == "products" and step.out == codes and step.reads() == {"x"}


def test_sums_that_are_wanted_are_stored() -> None:
    net, sums, codes = small()
    assert [step.out for step in steps(net.built((sums, codes)).program, never)] == [sums, codes]
    net.add(ShiftAdd((Term(sums),), "y"), (3,))
    assert [step.out for step in steps(net.built((codes, "y")).program, never)] == [sums, codes, "y"]


def test_what_no_output_needs_is_left_out() -> None:
    net, _, codes = small()
    net.add(ShiftAdd((Term(codes),), "dead"), (3,))
    assert [step.out for step in steps(net.built((codes,)).program, never)] == [codes]


@pytest.mark.parametrize("name", NETS)
def test_every_value_is_there_when_it_is_read(name) -> None:
    program = NETS[name]().program
    there = {*program.inputs}
    for step in steps(program, lambda op, seen: True):
        assert step.reads() <= there
        there.add(step.out)
    assert there >= {*program.outputs}


def test_an_input_is_no_output() -> None:
    value = Value(("positions", 2), Int(0, 3))
    program = Net((ShiftAdd((Term("x"),), "y"),), {"x": value, "y": value}, ("x",), ("x",))
    program.check()
    with pytest.raises(ModelError, match=r"\[output x\] an operation must write it, but got an input"):
        steps(program, never)
