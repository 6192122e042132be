"""Functions of two numbers that are no sum: gates, products, quotients. Codes of both choose an entry."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tabulae.nets.carried import Carried
from tabulae.nets.levels import fit, plain
from tabulae.nets.lowering import Lowering
from tabulae.nets.node import Floats, Node, Values
from tabulae.program.ops.lookup import Lookup


@dataclass(frozen=True, eq=False)
class Pair(Node):
    """``out = function(a, b)``, element by element."""

    a: str
    b: str
    function: Callable[[Floats, Floats], Floats]

    def reads(self) -> tuple[str, ...]:
        return (self.a, self.b)

    def run(self, values: Values) -> Floats:
        return self.function(values[self.a], values[self.b])

    def lower(self, at: Lowering) -> None:
        a, b = at.codes(self.a), at.codes(self.b)
        sides = (one.levels.real(np.arange(one.levels.count)) for one in (a, b) if one.levels)
        meant = self.function(*np.meshgrid(*sides, indexing="ij"))
        levels = fit(at.samples[self.out], 2**at.choices.bits)
        builder, out = at.builder, at.fresh(self.out)
        table = builder.array(f"{out}.tables", levels.codes(meant)[None])
        op = Lookup(a.value, table, out, b.value)
        shape = builder.values[a.value].static
        at.carried[self.out] = Carried.codes(builder.add(op, shape, plain(levels.unit)), levels)
