"""Rows of sequences, cut into batches that the engine takes: the one place where sequences grow.

They are cut here and not in the native core, so that a long prompt can be interrupted between two batches; what a
position gives does not depend on the cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Float32s
from tabulae.runtime.engine import BATCH, Engine, Part, Tap


class Growth(NamedTuple):
    """What one sequence grows by."""

    sequence: _native.Sequence
    tokens: list[int]  # its own, which grow; -1 where rows are no tokens
    rows: np.ndarray  # [n] or [n, width] of the value that is given
    wanted: int  # the first row whose outputs are asked for


def run(
    engine: Engine,
    growths: Sequence[Growth],
    value: str,
    out: str,
    operations: slice = slice(None),
    taps: Mapping[int, Tap] | None = None,
) -> list[Float32s]:
    """Give rows of ``value`` and run; what is asked for of ``out``, of every sequence. The caller has the turn."""
    found: list[list[Float32s]] = [[] for _ in growths]
    for batch in _batches(growths):
        parts, rows = [part for _, part, _ in batch], [rows for _, _, rows in batch]
        outputs = engine.run(parts, {value: _joined(rows)}, out, operations, taps)
        for (index, _, given), piece in zip(batch, _apart(engine, out, outputs, parts), strict=True):
            growths[index].tokens.extend(given.reshape(-1).tolist() if value == "tokens" else [-1] * len(given))
            found[index].append(piece)
    return [_joined(pieces) for pieces in found]


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


def _apart(engine: Engine, out: str, rows: Float32s, parts: Sequence[Part]) -> list[Float32s]:
    """The outputs of every part: of the positions wanted alone, if ``out`` stands behind a selection."""
    if len(parts) == 1:
        return [rows]
    selected = engine.binding.program.values[out].axis == "wanted"
    counts = [part.positions - part.wanted * selected for part in parts]
    return np.split(rows, np.cumsum(counts)[:-1])


def _joined(pieces: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
