"""The edges of one position: which table each has, and what forms of their sums cost."""

from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.ops.products import Products
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import narrowest


class Cost(NamedTuple):
    """Of one position, estimated; bytes of tables exactly."""

    instructions: int
    flash: int


class Edges(NamedTuple):
    """``out[g, r] = start[g, r] + sum_j tables[select[g, r, j]][x[g, j]]``."""

    tables: Int64s  # [tables, codes]: those that are selected, each once, and the codes that there are
    select: Int64s  # [groups, rows, columns]
    start: Int64s  # [groups, rows]
    reach: int  # what no sum leaves on the way, in whatever order
    out: str  # an identifier
    code: str  # types of x and y
    sums: str

    @property
    def counts(self) -> tuple[int, int, int]:
        """Groups, rows and columns of one."""
        groups, rows, columns = self.select.shape
        return groups, rows, columns


def edges(op: Products, source: Source, code: str) -> Edges:
    """What an operation sums, where its codes have that type."""
    given, made = source.program.values[op.input], source.program.values[op.out]
    shape = op.groups, made.channels // op.groups, given.channels // op.groups
    highest = source.ranges[op.input].high
    used = source.array(op.tables)[:, : int(highest.max()) + 1]
    select = np.arange(np.prod(shape)) if op.select is None else source.array(op.select).reshape(-1)
    start = np.zeros(shape[:2], np.int64) if op.start is None else source.array(op.start)
    tables, places = np.unique(used[select], axis=0, return_inverse=True)
    select = places.reshape(shape)
    largest = np.abs(tables).max(axis=1)
    reach = int((np.abs(start) + largest[select].sum(axis=2)).max())
    return Edges(tables, select, start, reach, source.names[op.out], code, source.kind(op.out))


def bytes_of(values: Int64s) -> int:
    """Of one of these integers as they are stored."""
    return narrowest(values).itemsize


def start_bytes(start: Int64s) -> int:
    """Of what sums begin with, which is not stored where all is 0."""
    return start.size * bytes_of(start) if start.any() else 0


def declared_start(start: Int64s, out: str, source: Source) -> list[str]:
    """A pointer to what sums begin with, where that is not 0."""
    if not start.any():
        return []
    table, kind = source.table(f"start_{out}", start)
    return [f"const {kind} *start = {table};"]
