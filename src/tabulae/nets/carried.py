"""What stands for a value of a trained net while it becomes integers: an integer value, and what it means so far.

Functions of single numbers need no operation of their own: they are composed to the meaning, and thresholds or tables
are made of the whole chain once codes are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.nets.levels import Levels, Numbers
from tabulae.program.proof import Range

Meaning = Callable[[Int64s], Float64s]  # of integers [.., channels]
Function = Callable[[Float64s], Float64s]  # of numbers [.., channels], one by one


@dataclass(frozen=True, eq=False)
class Carried:
    """``value``, an integer value, stands for ``meaning`` of itself."""

    value: str
    meaning: Meaning
    rising: bool = True  # the meaning never falls while integers rise, in any channel
    levels: Levels | None = None  # where the integers are codes of an even grid, and nothing else
    unit: Numbers | None = None  # where they are sums, and nothing else

    @classmethod
    def codes(cls, value: str, levels: Levels) -> "Carried":
        """Codes of a grid."""
        return cls(value, levels.real, bool(np.all(np.asarray(levels.unit) > 0)), levels)

    @classmethod
    def sums(cls, value: str, unit: Numbers, offset: Numbers) -> "Carried":
        """Sums, of which 1 is worth a positive ``unit`` and 0 an ``offset``."""
        return cls(value, lambda sums: sums * np.float64(unit) + offset, unit=unit)

    def then(self, function: Function, rising: bool) -> "Carried":
        """With a function behind it."""
        meaning = self.meaning
        return replace(
            self, meaning=lambda x: function(meaning(x)), rising=self.rising and rising, levels=None, unit=None
        )

    def thresholds(self, boundaries: Float64s, within: Range) -> Int64s:
        """The least integers that mean at least a boundary [channels, n], one more than the range has where none does.

        >>> carried = Carried.sums("x", np.array([0.5, 1.0]), 0.0)
        >>> carried.thresholds(np.array([0.9, 9.0]), Range(np.array([0, 0]), np.array([9, 9]))).tolist()
        [[2, 10], [1, 9]]
        """
        shape = len(boundaries), len(within.low)
        low, high = (np.broadcast_to(end, shape).copy() for end in (within.low, within.high + 1))
        while (low < high).any():
            middle = (low + high) // 2
            reached = self.meaning(middle) >= boundaries[:, None]
            high, low = np.where(reached, middle, high), np.where(reached | (low >= high), low, middle + 1)
        return low.T

    def table(self, within: Range) -> tuple[Float64s, int]:
        """What all integers of its range mean [channels, entries], and the first of them."""
        begin, end = int(within.low.min()), int(within.high.max())
        every = np.broadcast_to(np.arange(begin, end + 1)[:, None], (end + 1 - begin, len(within.low)))
        return np.ascontiguousarray(self.meaning(every).T), begin
