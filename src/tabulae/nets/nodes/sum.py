"""Sums of values, element by element: residuals."""

from dataclasses import dataclass

import numpy as np

from tabulae.nets.carried import Carried
from tabulae.nets.lowering import FINE, Lowering
from tabulae.nets.node import Floats, Node, Values
from tabulae.program.ops.shift_add import ShiftAdd, Term

STEPS = 16  # of the sum's unit in the finest step of a side: what rounding to it loses is far below what codes lose
FINEST = 1 << 12  # steps in one of the coarser side, at most: sums of codes of up to 16 bits stay within 32


@dataclass(frozen=True, eq=False)
class Sum(Node):
    """``out = a + b``, or ``a - b``."""

    a: str
    b: str
    minus: bool = False

    def reads(self) -> tuple[str, ...]:
        return (self.a, self.b)

    def run(self, values: Values) -> Floats:
        return values[self.a] - values[self.b] if self.minus else values[self.a] + values[self.b]

    def lower(self, at: Lowering) -> None:
        sides = [self._fine(at, name) for name in self.reads()]
        units = [float(side.levels.unit) for side in sides if side.levels is not None]
        unit = max(min(units) / STEPS, max(units) / FINEST)
        terms = []
        for number, (name, side) in enumerate(zip(self.reads(), sides, strict=True)):
            meant, begin = side.table(at.builder.ranges[side.value])
            steps = np.rint(meant / unit).astype(np.int64)
            terms.append(Term(at.looked_up(name, side.value, steps, begin), negative=self.minus and number == 1))
        shape = at.builder.values[terms[0].input].static
        out = at.builder.add(ShiftAdd(tuple(terms), at.fresh(self.out)), shape, unit)
        at.carried[self.out] = Carried.sums(out, unit, 0.0)

    def _fine(self, at: Lowering, name: str) -> Carried:
        """Codes as they are, or fine ones of what is not coded yet."""
        given = at.carried[name]
        return given if given.levels is not None and given.levels.is_shared else at.codes(name, bits=FINE)
