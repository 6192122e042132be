"""Residual additions."""

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out
from tabulae.program.passes import Bases


class Add(Operation, frozen=True, tag="add"):
    """``out = a + b``."""

    a: In
    b: In
    out: Out

    def check(self, at: Check) -> None:
        at.one_shape(self)

    def run(self, at: Env) -> None:
        at.values[self.out] = at.values[self.a] + at.values[self.b]

    def bases(self, at: Bases) -> None:
        at.join([self.a, self.b, self.out])
