"""What stands for a value of a trained net while it becomes integers: an integer value, and what it means so far.

Functions of single numbers need no operation of their own: they are composed to the meaning, and thresholds or tables
are made of the whole chain once codes are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.errors import ModelError
from tabulae.nets.levels import Levels, Numbers
from tabulae.program.proof import Range

DEEPEST = 100  # functions are composed, and Python's own depth is bounded
Floats = npt.NDArray[Any]
Meaning = Callable[[Int64s], Floats]  # of integers [.., channels]
Over = Callable[[Int64s, np.float32], Floats]  # the same over a step
Function = Callable[[Floats], Floats]  # of numbers [.., channels], one by one


@dataclass(frozen=True, eq=False)
class Carried:
    """``value``, an integer value, stands for ``meaning`` of itself."""

    value: str
    meaning: Meaning
    rising: bool = True  # the meaning never falls while integers rise, in any channel
    levels: Levels | None = None  # where the integers are codes of an even grid, and nothing else
    unit: Numbers | None = None  # where they are sums, and nothing else
    offset: Numbers = 0.0  # what the sum 0 means
    depth: int = 0  # functions since the integers
    given: bool = False  # the grid is the model's own: no other codes are made of these
    over: Over | None = None  # the meaning over a step, in the very float32 operations of quantised models

    @classmethod
    def codes(cls, value: str, levels: Levels) -> "Carried":
        """Codes of a grid."""
        return cls(value, levels.real, bool(np.all(np.asarray(levels.unit) > 0)), levels)

    @classmethod
    def sums(cls, value: str, unit: Numbers, offset: Numbers) -> "Carried":
        """Sums, of which 1 is worth a positive ``unit`` and 0 an ``offset``."""
        return cls(value, lambda sums: sums * np.float64(unit) + offset, unit=unit, offset=offset)

    def then(self, function: Function, rising: bool, *, homogeneous: bool = False) -> "Carried":
        """With a function behind it; ``homogeneous``: f(s x) = s f(x) for every positive s."""
        meaning, over = self.meaning, self.over if homogeneous else None

        def after(x: Int64s, step: np.float32) -> Floats:
            assert over is not None
            return function(over(x, step))

        if self.depth >= DEEPEST:
            raise ModelError(self.value, f"at most {DEEPEST} functions must follow one another", "more")
        rising, depth = self.rising and rising, self.depth + 1
        return Carried(self.value, lambda x: function(meaning(x)), rising, over=over and after, depth=depth)

    def line(self) -> tuple[Numbers, Numbers] | None:
        """Unit and offset, where its integers mean a line."""
        if self.levels is not None:
            return self.levels.unit, self.levels.first * self.levels.unit + self.levels.offset
        return None if self.unit is None else (self.unit, self.offset)

    def coded(self, levels: Levels) -> Callable[[Int64s], Int64s]:
        """What codes of a grid its integers become."""
        over = self.over
        if over is not None and levels.exact:
            step = np.float32(levels.unit)
            return lambda x: levels.clipped(over(x, step))
        return lambda x: levels.codes(self.meaning(x))

    def thresholds(self, levels: Levels, within: Range) -> Int64s:
        """The least integers that become code 1, 2, ... [channels, n]; one more than the range has, where none does.

        >>> carried = Carried.sums("x", np.array([0.5, 1.0]), 0.0)
        >>> carried.thresholds(Levels(1.0, 0.0, 0, 3), Range(np.array([0, 0]), np.array([2, 2]))).tolist()
        [[1, 3], [1, 2]]
        """
        wanted, coded = np.arange(1, levels.count)[:, None], self.coded(levels)
        shape = levels.count - 1, len(within.low)
        low, high = (np.broadcast_to(end, shape).copy() for end in (within.low, within.high + 1))
        while (low < high).any():
            middle = (low + high) // 2
            reached = coded(middle) >= wanted
            high, low = np.where(reached, middle, high), np.where(reached | (low >= high), low, middle + 1)
        return low.T

    def every(self, within: Range) -> tuple[Int64s, int]:
        """All integers of its range [entries, channels], and the first of them."""
        begin, end = int(within.low.min()), int(within.high.max())
        return np.broadcast_to(np.arange(begin, end + 1)[:, None], (end + 1 - begin, len(within.low))), begin

    def table(self, within: Range) -> tuple[Float64s, int]:
        """What all integers of its range mean [channels, entries], and the first of them."""
        every, begin = self.every(within)
        return np.ascontiguousarray(self.meaning(every).T), begin
