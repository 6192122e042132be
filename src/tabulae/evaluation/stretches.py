"""A program run again from its middle: what changes late costs only what comes after it.

The native core begins every program by embedding. A run that begins later does so too: row p of its table is what the
earlier operations left for position p, and its tokens are 0, 1, 2, ... The logits are those of a whole run, to the bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.evaluation.windows import Windows
from tabulae.program.consistency import buffers_of
from tabulae.program.operations import AnyOperation, Attention, Embed, Program, Select
from tabulae.runtime.binding import Binding
from tabulae.runtime.session import Session

STATES = "#states"  # the weight in place of an embedding: a row per position
LAST = "#last"  # the buffer that a stretch leaves


class Cut(NamedTuple):
    """A place before operation ``at``, where ``buffer`` alone holds all that later operations need."""

    at: int
    buffer: str


START = Cut(0, "")


def cuts(program: Program) -> tuple[Cut, ...]:
    """All places where a program can be cut, in order.

    >>> with tabulae.open(model) as trained:
    ...     cuts(trained.program)[:3]
    (Cut(at=0, buffer=''), Cut(at=1, buffer='x'), Cut(at=8, buffer='x'))
    """
    needed, found, selected = {program.logits}, [START], False
    embeddings = sum(isinstance(op, Embed) for op in program.operations)
    for at in reversed(range(embeddings, len(program.operations))):
        read, written = buffers_of(program.operations[at])
        needed = needed - set(written) | set(read)
        selected |= isinstance(program.operations[at], Select)
        if len(needed) == 1 and selected:
            found.append(Cut(at, next(iter(needed))))
    return tuple(sorted(found))


def stretch(program: Program, begin: Cut, end: Cut | None, positions: int) -> Program:
    """The part of ``program`` from ``begin`` to ``end`` (None: the logits), with ``positions`` rows of ``STATES``."""
    operations: list[AnyOperation] = [] if begin == START else [Embed(STATES, begin.buffer)]
    operations += _renumbered(program.operations[begin.at : end.at if end else None])
    vocabulary = program.vocabulary if begin == START else positions
    if end is None:
        return msgspec.structs.replace(program, operations=tuple(operations), vocabulary=vocabulary)
    return msgspec.structs.replace(
        program,
        operations=(*operations, Select(end.buffer, LAST)),
        buffers={**program.buffers, LAST: program.buffers[end.buffer]},
        logits=LAST,
        vocabulary=vocabulary,
    )


def _renumbered(operations: tuple[AnyOperation, ...]) -> Iterator[AnyOperation]:
    """The core numbers the caches of a program from 0."""
    layer = 0
    for operation in operations:
        if isinstance(operation, Attention):
            yield msgspec.structs.replace(operation, layer=layer)
            layer += 1
        else:
            yield operation


class _Stretch:
    """A bound stretch, to be run on the tokens or on the states of one window after another."""

    def __init__(
        self,
        program: Program,
        weights: Mapping[str, Float32s],
        begin: Cut,
        end: Cut | None,
        positions: int,
        threads: int,
    ) -> None:
        self._positions = range(positions)
        self._table = np.empty((positions, program.buffers.get(begin.buffer, 0)), np.float32)
        binding = Binding(stretch(program, begin, end, positions), {**weights, STATES: self._table})
        self._session = Session(binding, context=positions, threads=threads)

    def __call__(self, before: "Before", wanted: int) -> Float32s:
        """What stands in the last buffer at positions ``wanted`` .. of one window."""
        self._session.rewind()
        if not isinstance(before, np.ndarray):
            return self._session.feed(before, wanted)
        self._table[...] = before
        return self._session.feed(self._positions, wanted)


Before = Sequence[int] | Float32s  # what a run begins with: tokens, or states [positions, width]


class Rerun:
    """A float model over the same windows again and again, one of its weights replaced each time.

    Asked in the order of ``program.weights()`` it never goes back: the states before each weight are kept.
    """

    def __init__(self, program: Program, weights: Mapping[str, Float32s], windows: Windows, threads: int = 1) -> None:
        self._program, self._windows, self._threads = program, windows, threads
        self._weights = {name: np.require(weight, np.float32, ["C", "W"]) for name, weight in weights.items()}
        self._known = [(cut, _weights_before(program, cut)) for cut in cuts(program)]
        self._begin()

    def logits(self) -> Iterator[Float32s]:
        """Logits at the scored positions of every window, float32 [scored, vocabulary], nothing replaced."""
        return (self._tail(before, self._windows.first) for before in self._before)

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
        self._cut, self._tail = START, self._stretch(START, None)
        self._before: list[Before] = [self._windows.inputs(window) for window in range(len(self._windows))]

    def _move(self, cut: Cut) -> None:
        """Let runs begin at ``cut``."""
        if cut < self._cut:
            self._begin()
        if cut > self._cut:
            run = self._stretch(self._cut, cut)
            self._before = [run(before, 0) for before in self._before]
            self._cut, self._tail = cut, self._stretch(cut, None)

    def _stretch(self, begin: Cut, end: Cut | None) -> _Stretch:
        return _Stretch(self._program, self._weights, begin, end, self._windows.length - 1, self._threads)


def _weights_before(program: Program, cut: Cut) -> frozenset[str]:
    return frozenset(msgspec.structs.replace(program, operations=program.operations[: cut.at]).weights())
