"""Grids that a model brings itself: its quantisers are read as they are, and its integers are reproduced."""

from dataclasses import dataclass, replace

from tabulae.nets.levels import Levels
from tabulae.nets.lowering import Lowering
from tabulae.nets.node import Floats, Node, Values


@dataclass(frozen=True, eq=False)
class Quantised(Node):
    """``out`` = the input, rounded to a grid."""

    input: str
    levels: Levels

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        return self.levels.real(self.levels.codes(values[self.input]))

    def lower(self, at: Lowering) -> None:
        given = at.carried[self.input]
        if self.levels.same(given.levels):
            at.carried[self.out] = replace(given, given=True)
            return
        at.carried[self.out] = replace(at.as_codes(self.out, given, self.levels), given=True)
