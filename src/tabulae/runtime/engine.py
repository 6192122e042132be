"""One bound graph and what runs it: threads, values, stages. Sequences share it, one call at a time."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import ModelError, UsageError
from tabulae.runtime.binding import Binding
from tabulae.runtime.turns import Turns

BATCH = _native.BATCH  # positions of one pass over the weights
Arithmetic = Literal["auto", "multiply", "lookup"]
Tap = Callable[[Float32s], Float32s | None]  # inputs [n, cols] of one linear; may return others


class Part(NamedTuple):
    """Consecutive positions of one sequence in a batch."""

    sequence: _native.Sequence
    positions: int
    start: int  # position of the first
    wanted: int  # the first whose outputs are asked for


class Growth(NamedTuple):
    """What one sequence grows by."""

    sequence: _native.Sequence
    tokens: list[int]  # its own, which grow; -1 where rows are no tokens
    rows: np.ndarray  # [n] or [n, width] of the value that is given
    wanted: int  # the first row whose outputs are asked for


class Engine:
    """Runs a graph for all of its sequences.

    ``threads`` and ``arithmetic`` and the ISA change the speed, never the numbers, and neither do the other sequences
    of a batch. Calls from several threads take turns; a call from inside a tap is refused. A forked child may go on.
    """

    def __init__(self, binding: Binding, *, threads: int = 1, arithmetic: Arithmetic = "auto", isa: str = "") -> None:
        self.isa = check_options(threads, arithmetic, isa)
        self.binding, self.threads, self.arithmetic = binding, threads, arithmetic
        self.turns = Turns()
        with _room(f"{threads} threads", "use fewer threads"):
            self._native = _native.Engine(binding.native, threads, arithmetic == "lookup", self.isa)

    def sequence(self, context: int) -> _native.Sequence:
        """What is kept of a new sequence with room for so many positions.

        :raises UsageError: there is not the memory
        """
        with _room(f"{context} tokens", "use a shorter context"):
            return _native.Sequence(self.binding.native, context)

    def run(
        self,
        growths: Sequence[Growth],
        value: str,
        out: str,
        operations: slice = slice(None),
        taps: Mapping[int, Tap] | None = None,
    ) -> list[Float32s]:
        """Give rows of ``value`` and run some or all ``operations``; what is asked for of ``out``, of every sequence.

        Rows are cut into batches here and not in the native core, so that a long prompt can be interrupted between two
        of them; what a position gives does not depend on the cut. The caller has the turn.

        :raises ModelError: an input of a linear is not finite
        """
        found: list[list[Float32s]] = [[] for _ in growths]
        selected = self.binding.program.values[out].axis == "wanted"
        for batch in _batches(growths):
            parts = [part for _, part, _ in batch]
            given = {value: _joined([rows for _, _, rows in batch])}
            (outputs,) = self.batch(parts, given, (out,), operations, taps)
            for (index, _, rows), piece in zip(batch, _apart(selected, outputs, parts), strict=True):
                growths[index].tokens.extend(rows.reshape(-1).tolist() if value == "tokens" else [-1] * len(rows))
                found[index].append(piece)
        return [_joined(pieces) for pieces in found]

    def batch(
        self,
        parts: Sequence[Part],
        given: Mapping[str, np.ndarray],
        asked: Sequence[str],
        operations: slice = slice(None),
        taps: Mapping[int, Tap] | None = None,
    ) -> list[np.ndarray]:
        """One batch of at most :data:`BATCH` positions: rows of values in, rows [n, width] of those ``asked`` out.

        :raises ModelError: as of :meth:`run`
        """
        values = self.binding.values
        rows = {values[name]: np.ascontiguousarray(x) for name, x in given.items()}
        begin, end, _ = operations.indices(len(self.binding.program.operations))
        try:
            return self._native.run(parts, rows, [values[name] for name in asked], begin, end, taps or {})
        except _native.NotFiniteError:
            hint = "the weights overflow, or a tap gave NaN or infinity"
            raise ModelError("run", "every input of a linear must be finite", "NaN or infinity", hint) from None

    def read_plainly(self, sequence: _native.Sequence, cached: int) -> int:
        """Read what one token reads with ``cached`` positions in its sequence, and compute nothing: bytes."""
        with self.turns.turn():
            return self._native.read_plainly(sequence, cached)


def _batches(growths: Sequence[Growth]) -> Iterator[list[tuple[int, Part, np.ndarray]]]:
    """Index, part and rows of all in a batch, in order; they must have grown before the next batch is asked for."""
    batch: list[tuple[int, Part, np.ndarray]] = []
    room = BATCH
    for index, (sequence, tokens, given, wanted) in enumerate(growths):
        first = 0
        while first < len(given):
            rows = given[first : first + room]
            n = len(rows)
            batch.append((index, Part(sequence, n, len(tokens), min(max(wanted - first, 0), n)), rows))
            room, first = room - n, first + n
            if not room:
                yield batch
                batch, room = [], BATCH
    if batch:
        yield batch


def _apart(selected: bool, rows: Float32s, parts: Sequence[Part]) -> list[Float32s]:
    """The outputs of every part; ``selected``: they are those of the positions wanted alone."""
    if len(parts) == 1:
        return [rows]
    counts = [part.positions - part.wanted * selected for part in parts]
    return np.split(rows, np.cumsum(counts)[:-1])


def _joined(pieces: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]


@contextmanager
def _room(got: str, hint: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        must = "there must be room for its threads and its cache"
        raise UsageError("session", must, f"{got}: {error}", hint) from None


def check_options(threads: int, arithmetic: str, isa: str = "") -> str:
    """Refuse what cannot be run; the instruction set that ``isa`` ("": TABULAE_ISA, else the best) stands for."""
    if not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise UsageError("threads", "there must be 1 to 1024 threads", threads)
    if arithmetic not in ("auto", "multiply", "lookup"):
        raise UsageError("arithmetic", "it must be known", arithmetic, "accepted: auto, multiply, lookup")
    isa = isa or os.environ.get("TABULAE_ISA", "")
    if isa not in ("", *_native.isas()):
        raise UsageError("isa", "it must run on this machine", isa, f"accepted: {', '.join(_native.isas())}")
    return isa or _native.isas()[0]
