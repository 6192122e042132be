"""A stored function of one integer or of two: what no threshold and no sum can say."""

from collections.abc import Iterator

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import Array, In, Operation, Out, Shape
from tabulae.program.proof import LIMIT, Proof, Range


class Lookup(Operation, frozen=True, tag="lookup"):
    """``out = table[input - begin]``, or ``table[input - begin, second - begin2]``; the index stays within the table.

    Which table: ``choice`` [n] says it for every element of a position, again and again (a table for every channel, or
    for every place); without it there is one.
    """

    input: In
    tables: Array  # [tables, entries], or [tables, entries, entries] of two inputs
    out: Out
    second: In | None = None
    begin: int = 0  # the integer that the first entry is for
    begin2: int = 0
    choice: Array | None = None  # [n]: the channels, or all elements of a position

    def addresses(self) -> tuple[str, ...]:
        """An index stays within its table, whatever it is."""
        return ()

    def check(self, at: Check) -> None:
        at.all_integers(self)
        begins = [self.begin, self.begin2]
        at.must(all(abs(begin) <= LIMIT for begin in begins), "first entries must be for 32 bits", begins)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        yield self.tables, (None,) * (2 if self.second is None else 3)
        if self.choice is not None:
            yield self.choice, (None,)

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        tables, value = at.array(self.tables), at.values[self.input]
        choice = np.zeros(1, np.int64) if self.choice is None else at.array(self.choice)
        lengths = {1, value.channels, value.width}
        at.must(len(choice) in lengths, f"choices must be {sorted(lengths)}", len(choice), self.choice or "")
        at.must(choice.min() >= 0 and choice.max() < len(tables), "choices must name tables", int(choice.max()))
        chosen = np.resize(choice, value.width).reshape(-1, value.channels)
        boxes = [_indices(at.range(name), begin, n) for name, begin, n in _inputs(self, tables)]
        ends = [_ends(tables, chosen[:, c], [(lo[c], hi[c]) for lo, hi in boxes]) for c in range(value.channels)]
        yield self.out, Range(np.array([low for low, _ in ends]), np.array([high for _, high in ends]))

    def run(self, at: Env) -> None:
        tables, n = at.array(self.tables), len(at.values[self.input])
        choice = np.zeros(1, np.int64) if self.choice is None else at.array(self.choice)
        width = at.declared[self.input].width
        indices = [
            np.clip(at.values[name].reshape(n, -1) - begin, 0, entries - 1)
            for name, begin, entries in _inputs(self, tables)
        ]
        found = tables[(np.resize(choice, width), *indices)]
        at.values[self.out] = found.reshape(n, *at.declared[self.out].static)


def _inputs(op: Lookup, tables: Int64s) -> Iterator[tuple[str, int, int]]:
    """Every input, what its first entry is for, and how many entries there are."""
    yield op.input, op.begin, tables.shape[1]
    if op.second is not None:
        yield op.second, op.begin2, tables.shape[2]


def _indices(given: Range, begin: int, entries: int) -> Range:
    """The entries that a range can choose."""
    return Range(*(np.clip(end - begin, 0, entries - 1) for end in given))


def _ends(tables: Int64s, chosen: Int64s, box: list[tuple[int, int]]) -> tuple[int, int]:
    """The least and the largest entry of some tables within a box."""
    entries = tables[np.unique(chosen)]
    for axis, (low, high) in enumerate(box, 1):
        entries = entries.take(np.arange(low, high + 1), axis)
    return int(entries.min()), int(entries.max())
