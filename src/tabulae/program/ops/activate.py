"""Element-wise activation functions."""

from collections.abc import Mapping

from tabulae.arithmetic.activation_functions import FUNCTIONS, Activation
from tabulae.program.checking import Check
from tabulae.program.deal import Deal, carried, check_dealt, dealt
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out
from tabulae.program.passes import Carry
from tabulae.program.value import Value


class Activate(Operation, frozen=True, tag="activate"):
    """``out = fn(input)``, its columns dealt (``program/deal.py``)."""

    fn: Activation
    input: In
    out: Out
    deal: Deal = ()

    def check(self, at: Check) -> None:
        check_dealt(at, self, self.deal)

    def run(self, at: Env) -> None:
        at.values[self.out] = dealt(FUNCTIONS[self.fn](at.values[self.input]), self.deal)

    def carries(self, values: Mapping[str, Value]) -> Carry | None:
        """ReLU alone lets a positive factor through."""
        return carried(self.input, self.out, self.deal, values) if self.fn == "relu" else None
