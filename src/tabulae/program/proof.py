"""Between which ends the integers of a value lie, whatever the inputs: proved from the arrays that are really there.

A range has two ends for every channel of the last axis. Sums are proved with every part of them, so that no order of
adding leaves 32 bits.

>>> Range.of(Value(("positions", 3), Int((0, -1, 2), 7)))
Range(low=array([ 0, -1,  2]), high=array([7, 7, 7]))
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s, Integers
from tabulae.errors import ModelError
from tabulae.program.value import Int, PerChannel, Value

LIMIT = 2**31 - 1  # magnitudes of int32
LARGEST = 1 << 26  # numbers of one example in all values together: a file of a few bytes can ask for any shape
Arrays = Mapping[str, Integers]


class Range(NamedTuple):
    """Both ends, included, for every channel."""

    low: Int64s  # [channels]
    high: Int64s

    @classmethod
    def of(cls, value: Value) -> "Range":
        """As a value is declared, which must be of integers."""
        assert isinstance(value.type, Int)
        ends = value.type.low, value.type.high
        lengths = {len(end) for end in ends if isinstance(end, tuple)}
        if lengths - {value.channels}:
            raise ModelError("interval", f"its ends must be one number or {value.channels}", sorted(lengths))
        low, high = value.type.interval()
        if low < -LIMIT or high > LIMIT:
            raise ModelError("interval", f"its ends must lie in -{LIMIT}..{LIMIT}", (low, high))
        found = cls(*(np.broadcast_to(np.asarray(end, np.int64), value.channels) for end in ends))
        if (found.low > found.high).any():
            raise ModelError("interval", "no end must lie below the other", "one that does")
        return found

    @classmethod
    def within(cls, low: Int64s, high: Int64s) -> "Range":
        """Of ends for every element [..., channels]."""
        channels = low.shape[-1] if low.ndim else 1
        return cls(low.reshape(-1, channels).min(axis=0), high.reshape(-1, channels).max(axis=0))

    def elements(self, value: Value) -> "Range":
        """The ends of every element of one position, as a value has them [its shape]."""
        return Range(*(np.broadcast_to(end, value.static) for end in self))

    def typed(self, unit: float | tuple[float, ...] = 1.0) -> Int:
        """As a type.

        >>> Range(np.array([0, 0]), np.array([3, 4])).typed()
        Int(low=0, high=(3, 4), unit=1.0)
        """
        return Int(_ends(self.low), _ends(self.high), unit)

    def magnitude(self) -> Int64s:
        """The largest magnitude of every channel."""
        return np.maximum(-self.low, self.high)


def _ends(ends: Int64s) -> PerChannel:
    """One number where all channels have the same."""
    return int(ends[0]) if (ends == ends[0]).all() else tuple(ends.tolist())


class Proof:
    """One operation while its graph is proved: the ranges of what was written, and the arrays."""

    def __init__(self, where: str, values: Mapping[str, Value], arrays: Arrays, ranges: Mapping[str, Range]) -> None:
        self.where, self.values = where, values
        self._arrays, self._ranges = arrays, ranges

    def range(self, value: str) -> Range:
        """Where its integers lie."""
        return self._ranges[value]

    def array(self, name: str) -> Int64s:
        """An array, its integers widened."""
        return self._arrays[name].astype(np.int64)

    def must(self, holds: bool, must: str, got: object, what: str = "") -> None:
        """Refuse, naming the operation, or ``what``.

        :raises ModelError: it does not hold
        """
        if not holds:
            raise ModelError(what or self.where, must, got)

    def fits(self, magnitude: Int64s, what: str) -> None:
        """No sum on the way may leave 32 bits."""
        largest = int(magnitude.max(initial=0))
        self.must(largest <= LIMIT, f"every {what} must stay within 32 bits", largest)
