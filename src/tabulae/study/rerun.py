"""A program run again from its middle: what changes late costs only what comes after it.

The logits are those of a whole run, to the bit.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.evaluation.task import Task
from tabulae.program.graph import Decoder
from tabulae.runtime.binding import Binding
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session


class Cut(NamedTuple):
    """A place before operation ``at``, where ``buffer`` alone holds all that later operations need."""

    at: int
    buffer: str


START = Cut(0, "")


def cuts(program: Decoder) -> tuple[Cut, ...]:
    """All places where a program can be cut, in order.

    >>> with tabulae.open(model) as trained:
    ...     cuts(trained.program)[:3]
    (Cut(at=0, buffer=''), Cut(at=1, buffer='x'), Cut(at=8, buffer='x'))
    """
    needed, found = {program.logits}, [START]
    for at in reversed(range(len(program.operations))):
        op = program.operations[at]
        needed = needed - set(op.writes()) | set(op.reads())
        (name,) = needed if len(needed) == 1 else ("",)
        if name and name not in program.inputs and program.values[name].axis == "positions":
            found.append(Cut(at, name))
    return tuple(sorted(found))


class Before(NamedTuple):
    """What a run begins with."""

    value: str
    rows: np.ndarray  # [positions, width]


class Rerun:
    """A float model over the same examples again and again, one of its weights replaced each time.

    Asked in the order of ``program.weights()`` it never goes back: the states before each weight are kept.
    """

    def __init__(self, program: Decoder, weights: Mapping[str, Float32s], task: Task, threads: int = 1) -> None:
        self._program, self._task = program, task
        self._weights = {name: np.require(weight, np.float32, ["C", "W"]) for name, weight in weights.items()}
        binding = Binding(program, self._weights)
        self._known = [(cut, _weights_before(program, cut)) for cut in cuts(program)]
        if not len(task):
            raise UsageError("task", "there must be examples", "none")
        self._begin()
        context = max(len(before.rows) for before in self._before)
        self._session = Session(Engine(binding, threads=threads), context)

    def logits(self) -> Iterator[Float32s]:
        """Logits at the scored positions of every example, float32 [scored, vocabulary], nothing replaced."""
        end, out = len(self._program.operations), self._program.logits
        return (self._run(before, end, out, self._task.first) for before in self._before)

    def replaced(self, name: str, values: Float32s) -> Iterator[Float32s]:
        """The same with ``values`` in place of one weight, which is itself again at the end."""
        self._move(max(cut for cut, before in self._known if name not in before))
        weight = self._weights[name]
        kept = weight.copy()
        weight[...] = values  # the native core reads it where it is
        try:
            yield from self.logits()
        finally:
            weight[...] = kept

    def _begin(self) -> None:
        self._cut = START
        self._before = [Before(*self._task.given(example)) for example in range(len(self._task))]

    def _move(self, cut: Cut) -> None:
        """Let runs begin at ``cut``."""
        if cut < self._cut:
            self._begin()
        if cut > self._cut:
            self._before = [Before(cut.buffer, self._run(before, cut.at, cut.buffer, 0)) for before in self._before]
            self._cut = cut

    def _run(self, before: Before, end: int, out: str, wanted: int) -> Float32s:
        """From where runs begin to operation ``end``: what stands in ``out`` then."""
        self._session.rewind()
        return self._session.run(*before, begin=self._cut.at, end=end, out=out, wanted=wanted)


def _weights_before(program: Decoder, cut: Cut) -> frozenset[str]:
    return frozenset(name for op in program.operations[: cut.at] for name in op.names("table", "vector"))
