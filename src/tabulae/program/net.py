"""Nets: graphs that are integers from end to end. What a number of the world becomes is written beside them."""

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Int64s
from tabulae.errors import ModelError, UsageError
from tabulae.program.graph import LARGEST, Graph
from tabulae.program.proof import LARGEST as NUMBERS
from tabulae.program.proof import LIMIT, Range
from tabulae.program.value import Int


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How numbers become the integers of an input: ``floor(x * scale + offset)``, kept within its interval.

    In float64; one number, or one for every channel. Who calls a net with integers has done it already.

    >>> Reading(10.0, 0.5).integers(np.array([[-1.0, 0.26, 99.0]]), Range(np.zeros(3, int), np.full(3, 15)))
    array([[ 0,  3, 15]])
    """

    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    even: bool = (
        False  # as quantised models have it: float32(x) over float32(1 / scale), ties to even, then offset - 1/2
    )

    def integers(self, x: npt.NDArray[Any], within: Range) -> Int64s:
        """What numbers x [.., channels] become."""
        if self.even:
            step = np.float32(1 / np.asarray(self.scale, np.float64))
            y = np.rint(np.asarray(x, np.float32) / step).astype(np.float64) + np.asarray(self.offset) - 0.5
        else:
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
    offsets: dict[str, float | tuple[float, ...]] = msgspec.field(
        default_factory=dict
    )  # of outputs: what their 0 means
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
        numbers = sum(value.width for value in self.values.values())
        if numbers > NUMBERS:
            raise ModelError("program", f"all values of an example must have at most {NUMBERS} numbers", numbers)
        self._check_names()
        for name, reading in self.readings.items():
            if name not in self.inputs:
                raise ModelError("program", f"readings must be of its inputs, {', '.join(self.inputs)}", name)
            channels = self.values[name].channels
            if reading.lengths() - {channels} or not reading.is_finite():
                must = f"it must have one number or {channels}, all finite"
                raise ModelError(f"reading of {name}", must, sorted(reading.lengths()))
        super().check()

    def _check_names(self) -> None:
        """Every value is written once, so that its type holds whenever it is read; outputs are given once."""
        for names in ([name for op in self.operations for name in op.writes()], self.outputs):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise ModelError(f"value {twice[0]}", "it must be written once, and given once", "twice")
        if self.labels:
            last = self.values.get(self.outputs[-1]) if self.outputs else None
            answer = last.type.interval() if last and isinstance(last.type, Int) else (0, LIMIT)
            if answer[0] < 0 or answer[1] >= len(self.labels):
                must = f"the last output must be a number of its {len(self.labels)} labels"
                raise ModelError("program", must, answer)
