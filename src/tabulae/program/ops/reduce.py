"""One integer of many: their sum (an average keeps it, and what follows divides), the largest, or where that stands."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out
from tabulae.program.proof import Proof, Range


class Reduce(Operation, frozen=True, tag="reduce"):
    """``out = how(input)`` along one axis of a position, which goes; ``argmax`` is the first of equals."""

    input: In
    out: Out
    how: Literal["sum", "max", "argmax"]
    axis: int  # from 0, the positions not counted

    def addresses(self) -> tuple[str, ...]:
        """Integers are only added or compared."""
        return ()

    def check(self, at: Check) -> None:
        at.one_axis(self)
        for name in (self.input, self.out):
            at.integers(name)
        shape = at.values[self.input].static
        at.must(0 <= self.axis < len(shape), f"the axis must lie in 0..{len(shape) - 1}", self.axis)
        left = shape[: self.axis] + shape[self.axis + 1 :] or (1,)
        made = at.values[self.out].static
        at.must(left == made, f"what is left must be {list(made)}", list(left))

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        ends = at.range(self.input).elements(at.values[self.input])
        if self.how == "argmax":
            n, left = ends.low.shape[self.axis], np.zeros(at.values[self.out].static, np.int64)
            return (yield self.out, Range.within(left, left + n - 1))
        if self.how == "sum":
            at.fits(ends.magnitude().sum(axis=self.axis), "sum")
        yield self.out, Range.within(*(_reduced(self.how, end, self.axis) for end in ends))

    def run(self, at: Env) -> None:
        found = _reduced(self.how, at.shaped(self.input), self.axis + 1)
        at.values[self.out] = found.reshape(len(found), *at.declared[self.out].static)


def _reduced(how: str, x: Int64s, axis: int) -> Int64s:
    """With the axis gone."""
    if how == "argmax":
        return np.asarray(x.argmax(axis), np.int64)
    return np.asarray(x.sum(axis) if how == "sum" else x.max(axis), np.int64)
