"""From sums to codes: exact for any scale, bias and monotone function, because thresholds are made of them before."""

from collections.abc import Iterator

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import Array, In, Operation, Out, Shape
from tabulae.program.proof import Proof, Range


class Encode(Operation, frozen=True, tag="encode"):
    """``out = the number of thresholds <= input``, of the thresholds of its channel."""

    input: In
    thresholds: Array  # [channels, n], ascending
    out: Out

    def addresses(self) -> tuple[str, ...]:
        """Integers are only compared."""
        return ()

    def check(self, at: Check) -> None:
        at.all_integers(self)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        yield self.thresholds, (at.values[self.input].channels, None)

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        thresholds, given = at.array(self.thresholds), at.range(self.input)
        ascending = bool((np.diff(thresholds, axis=1) >= 0).all())
        at.must(ascending, "thresholds must ascend", "others", self.thresholds)
        yield self.out, Range(_counted(thresholds, given.low), _counted(thresholds, given.high))

    def run(self, at: Env) -> None:
        at.values[self.out] = _counted(at.array(self.thresholds), at.shaped(self.input))


def _counted(thresholds: Int64s, x: Int64s) -> Int64s:
    """The number of thresholds [channels, n] up to x [.., channels]."""
    columns = (np.searchsorted(one, x[..., c], side="right") for c, one in enumerate(thresholds))
    return np.stack([np.asarray(column, np.int64) for column in columns], axis=-1)
