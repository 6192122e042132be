"""Gated linear units (Shazeer 2020)."""

from collections.abc import Mapping

from tabulae.arithmetic.activation_functions import FUNCTIONS, Activation
from tabulae.program.checking import Check
from tabulae.program.deal import Deal, carried, check_dealt, dealt
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out
from tabulae.program.passes import Carry
from tabulae.program.value import Value


class Gate(Operation, frozen=True, tag="gate"):
    """``out = fn(gate) * up``, its columns dealt (``program/deal.py``): SwiGLU, GeGLU."""

    fn: Activation
    gate: In
    up: In
    out: Out
    deal: Deal = ()

    def check(self, at: Check) -> None:
        check_dealt(at, self, self.deal)

    def run(self, at: Env) -> None:
        at.values[self.out] = dealt(FUNCTIONS[self.fn](at.values[self.gate]) * at.values[self.up], self.deal)

    def carries(self, values: Mapping[str, Value]) -> Carry:
        return carried(self.up, self.out, self.deal, values)
