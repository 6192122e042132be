"""Sums of shifted integers, element by element: residuals, codes packed into one, constants."""

from collections.abc import Iterator

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import Array, In, Operation, Out, Record, Shape
from tabulae.program.proof import Proof, Range


class Term(Record, frozen=True):
    """One value, shifted to the left, or with floor to the right where ``shift`` is negative."""

    input: In
    shift: int = 0
    negative: bool = False


class ShiftAdd(Operation, frozen=True, tag="shift_add"):
    """``out = constant + the sum of +-(input << shift) or +-floor(input >> -shift)``."""

    terms: tuple[Term, ...]
    out: Out
    constant: Array | None = None  # [channels]

    def addresses(self) -> tuple[str, ...]:
        """Integers are only added."""
        return ()

    def check(self, at: Check) -> None:
        at.all_integers(self)
        at.must(bool(self.terms), "there must be a term", "none")
        shifts = [term.shift for term in self.terms]
        at.must(all(-31 <= shift <= 30 for shift in shifts), "shifts must lie in -31..30", shifts)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        if self.constant is not None:
            yield self.constant, (at.values[self.out].channels,)

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        low = np.zeros(at.values[self.out].channels, np.int64) if self.constant is None else at.array(self.constant)
        high, reach = low, np.abs(low)
        for term in self.terms:
            first, last = (_shifted(term, end) for end in at.range(term.input))
            ends = Range(last, first) if term.negative else Range(first, last)
            at.fits(ends.magnitude(), "term")  # each by itself: so many that fit cannot leave 64 bits
            low, high, reach = low + ends.low, high + ends.high, reach + ends.magnitude()
        at.fits(reach, "sum of terms")
        yield self.out, Range(low, high)

    def run(self, at: Env) -> None:
        constant = 0 if self.constant is None else at.array(self.constant)
        at.values[self.out] = constant + sum(_shifted(term, at.shaped(term.input)) for term in self.terms)


def _shifted(term: Term, x: Int64s) -> Int64s:
    found = x << term.shift if term.shift >= 0 else x >> -term.shift
    return -found if term.negative else found
