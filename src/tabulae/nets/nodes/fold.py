"""Sums, means and maxima along an axis: pools."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tabulae.nets.carried import Carried
from tabulae.nets.levels import plain
from tabulae.nets.lowering import Lowering
from tabulae.nets.node import Floats, Node, Values
from tabulae.program.ops.reduce import Reduce

How = Literal["sum", "mean", "max"]


@dataclass(frozen=True, eq=False)
class Fold(Node):
    """``out = how(input)`` along an axis of an example, which goes."""

    input: str
    how: How
    axis: int  # from 0, the examples not counted

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        found: Floats = getattr(np, self.how)(values[self.input], axis=self.axis + 1)
        return found

    def lower(self, at: Lowering) -> None:
        given, out = at.codes(self.input), at.fresh(self.out)
        assert given.levels is not None
        levels, shape = given.levels, at.builder.values[given.value].static
        n, left = shape[self.axis], shape[: self.axis] + shape[self.axis + 1 :]
        if self.how == "max":
            at.builder.add(Reduce(given.value, out, "max", self.axis), left)
            at.carried[self.out] = replace(given, value=out)
            return
        unit = levels.unit / n if self.how == "mean" else levels.unit  # never divided: what follows knows the unit
        at.builder.add(Reduce(given.value, out, "sum", self.axis), left, plain(unit))
        at.carried[self.out] = Carried.sums(out, unit, levels.first * n * unit)
