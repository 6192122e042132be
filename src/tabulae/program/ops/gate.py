"""Gated linear units (Shazeer 2020)."""

from typing import TYPE_CHECKING

from tabulae.arithmetic.activation_functions import FUNCTIONS, Activation
from tabulae.program.checking import Check
from tabulae.program.deal import Deal, check_deal, dealt, dealt_ranks
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out
from tabulae.program.passes import Carry

if TYPE_CHECKING:
    from tabulae.program.graph import Graph


class Gate(Operation, frozen=True, tag="gate"):
    """``out = fn(gate) * up``, its columns dealt (``program/deal.py``): SwiGLU, GeGLU."""

    fn: Activation
    gate: In
    up: In
    out: Out
    deal: Deal = ()

    def check(self, at: Check) -> None:
        at.one_shape(self)
        check_deal(at, self.deal, self.out)

    def run(self, at: Env) -> None:
        at.values[self.out] = dealt(FUNCTIONS[self.fn](at.values[self.gate]) * at.values[self.up], self.deal)

    def carries(self, graph: "Graph") -> Carry:
        return Carry("hidden", self.out, dealt_ranks(self.deal, graph.values[self.out].width), source=self.up)
