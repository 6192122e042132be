"""Linears, convolutions and their like by tables: every product was made before, what is left is to look up and add."""

from collections.abc import Callable, Iterator

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import Array, In, Operation, Out, Shape
from tabulae.program.proof import Proof, Range

Reader = Callable[[str], Int64s]  # arrays by name


class Products(Operation, frozen=True, tag="products"):
    """``out[.., g, r] = start[g, r] + sum_j tables[select[g, r, j]][input[.., g, j]]``.

    The last axis of the input is [groups, j], that of the output [groups, r]. Codes are 0, 1, ... What several edges
    have in common is one table that they select; without ``select`` every edge has its own, in the order [g, r, j].
    """

    input: In
    tables: Array  # [tables, codes]
    out: Out
    select: Array | None = None  # [groups, r, j]
    start: Array | None = None  # [groups, r]
    groups: int = 1

    def addresses(self) -> tuple[str, ...]:
        return (self.input,)

    def check(self, at: Check) -> None:
        at.one_axis(self)
        at.integers(self.out)
        low, _ = at.integers(self.input)
        at.must(low >= 0, "codes must not be negative", low)
        given, made = at.values[self.input], at.values[self.out]
        at.must(given.static[:-1] == made.static[:-1], "all axes but the last must agree", [given.shape, made.shape])
        channels, must = [given.channels, made.channels], f"the last axes must be multiples of {self.groups} groups"
        at.must(self.groups >= 1 and not any(n % self.groups for n in channels), must, channels)

    def _edges(self, at: Check) -> tuple[int, int, int]:
        """Groups, rows and columns of one."""
        rows, columns = (at.values[name].channels // self.groups for name in (self.out, self.input))
        return self.groups, rows, columns

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        g, r, j = self._edges(at)
        yield self.tables, (g * r * j if self.select is None else None, None)
        if self.select is not None:
            yield self.select, (g, r, j)
        if self.start is not None:
            yield self.start, (g, r)

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        tables, codes = at.array(self.tables), at.range(self.input)
        must = f"codes must be below the {tables.shape[1]} entries of {self.tables}"
        at.must(int(codes.high.max()) < tables.shape[1], must, int(codes.high.max()))
        channels = len(codes.low)
        rows = at.values[self.out].channels // self.groups
        select = _selected(self, at.array, (self.groups, rows, channels // self.groups))
        at.must(select.min() >= 0 and select.max() < len(tables), f"{self.select} must name tables", int(select.max()))
        low, high = _extremes(tables, select.transpose(0, 2, 1).reshape(channels, rows), codes)
        start = _start(self, at.array, self.groups, rows)
        at.fits(np.abs(start) + _of_groups(np.maximum(-low, high), self.groups), "sum of products")
        ends = (start + _of_groups(end, self.groups) for end in (low, high))
        yield self.out, Range(*(end.reshape(-1) for end in ends))

    def run(self, at: Env) -> None:
        x, tables = at.shaped(self.input), at.array(self.tables)
        x = x.reshape(*x.shape[:-1], self.groups, -1)
        rows = at.declared[self.out].channels // self.groups
        select = _selected(self, at.array, (self.groups, rows, x.shape[-1]))
        out = np.broadcast_to(_start(self, at.array, self.groups, rows), (*x.shape[:-1], rows)).copy()
        for j in range(x.shape[-1]):
            out += tables[select[:, :, j], x[..., j, None]]
        at.values[self.out] = out.reshape(len(x), *at.declared[self.out].static)


def _selected(op: Products, array: Reader, shape: tuple[int, int, int]) -> Int64s:
    """The table of every edge [g, r, j]."""
    return np.arange(np.prod(shape)).reshape(shape) if op.select is None else array(op.select)


def _start(op: Products, array: Reader, groups: int, rows: int) -> Int64s:
    """What sums begin with [g, r]."""
    return np.zeros((groups, rows), np.int64) if op.start is None else array(op.start)


def _extremes(tables: Int64s, select: Int64s, codes: Range) -> tuple[Int64s, Int64s]:
    """The least and the largest entry of every edge [channels, rows] that a code of its channel can choose."""
    low, high = np.empty_like(select), np.empty_like(select)
    for ends in {*zip(codes.low.tolist(), codes.high.tolist(), strict=True)}:
        here = (codes.low == ends[0]) & (codes.high == ends[1])
        entries = tables[:, ends[0] : ends[1] + 1]
        low[here], high[here] = entries.min(axis=1)[select[here]], entries.max(axis=1)[select[here]]
    return low, high


def _of_groups(edges: Int64s, groups: int) -> Int64s:
    """Sums over the columns of each group: [channels, rows] -> [groups, rows]."""
    sums: Int64s = edges.reshape(groups, -1, edges.shape[1]).sum(axis=1)
    return sums
