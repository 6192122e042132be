"""Nets: graphs that are integers from end to end. What a number of the world becomes is written beside them."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Int64s
from tabulae.errors import ModelError, UsageError
from tabulae.program.graph import LARGEST, Graph
from tabulae.program.proof import Range
from tabulae.program.value import Int


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How numbers become the integers of an input: ``floor(x * scale + offset)``, kept within its interval.

    In float64; one number, or one for every channel. Who calls a net with integers has done it already.

    >>> Reading(10.0, 0.5).integers(np.array([[-1.0, 0.26, 99.0]]), Range(np.zeros(3, int), np.full(3, 15)))
    array([[ 0,  3, 15]])
    """

    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0

    def integers(self, x: npt.NDArray[Any], within: Range) -> Int64s:
        """What numbers x [.., channels] become."""
        y = np.floor(np.asarray(x, np.float64) * np.asarray(self.scale) + np.asarray(self.offset))
        if np.isnan(y).any():
            raise UsageError("input", "every number must be one", "NaN", "leave out or mend these rows")
        found: Int64s = np.clip(y, within.low, within.high).astype(np.int64)
        return found

    def lengths(self) -> set[int]:
        """Of what stands for every channel."""
        return {len(part) for part in (self.scale, self.offset) if isinstance(part, tuple)}

    def is_finite(self) -> bool:
        """Whether all of it is below 2^128."""
        return bool((np.abs([*np.atleast_1d(self.scale), *np.atleast_1d(self.offset)]) < LARGEST).all())


class Net(Graph, frozen=True, tag="net"):
    """What targets take: six operations on integers, no state; a position is one example."""

    readings: dict[str, Reading] = msgspec.field(default_factory=dict)  # of inputs
    labels: tuple[str, ...] = ()  # what an answer of 0, 1, ... means; the last output is the answer then

    def check(self) -> None:
        """As of any graph; and everything is of integers with at least one axis beside that of the examples.

        :raises ModelError: it is not
        """
        if self.states:
            raise ModelError("program", "a net must keep nothing", ", ".join(self.states))
        for name, value in self.values.items():
            if not isinstance(value.type, Int) or value.axis != "positions" or not value.static:
                raise ModelError(f"value {name}", "it must be of integers, an array for every example", value.shape)
            Range.of(value)  # as many ends as channels
        for name, reading in self.readings.items():
            if name not in self.inputs:
                raise ModelError("program", f"readings must be of its inputs, {', '.join(self.inputs)}", name)
            channels = self.values[name].channels
            if reading.lengths() - {channels} or not reading.is_finite():
                must = f"it must have one number or {channels}, all finite"
                raise ModelError(f"reading of {name}", must, sorted(reading.lengths()))
        super().check()
