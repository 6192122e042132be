"""Edges whose tables are constant are none: of a row only the others are stored, each with its column and its table."""

import numpy as np

from tabulae.arithmetic.arrays import Bools, Int64s
from tabulae.targets.c.products._edges import Cost, Edges, bytes_of, declared_start, start_bytes
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import working
from tabulae.targets.c.walk import Walk, indented, move, walked

EDGE, ROW = {32: 9, 8: 28}, {32: 11, 8: 22}  # instructions


def cost(edges: Edges, word: int) -> Cost | None:
    """Of those edges that are some."""
    groups, rows, _ = edges.counts
    some, left = _some(edges), _left(edges)
    n = int(some.sum())
    flash = n * (edges.tables.shape[1] * bytes_of(edges.tables) + bytes_of(_columns(some)))
    flash += groups * rows * bytes_of(_counts(some)) + start_bytes(left)
    return Cost(groups * rows * ROW[word] + n * EDGE[word], flash)


def body(edges: Edges, source: Source) -> list[str]:
    """Pointers: to codes ``x``, to sums ``y``."""
    groups, rows, columns = edges.counts
    some, left = _some(edges), _left(edges)
    pointers = {
        "t": edges.tables[edges.select[some]],
        "column": _columns(some),
        "count": _counts(some),
    }
    lines = list[str]()
    if some.any():
        for pointer, values in pointers.items():
            table, kind = source.table(f"{_NAMES[pointer]}_{edges.out}", values)
            lines.append(f"const {kind} *{pointer} = {table};")
    begins = declared_start(left, edges.out, source)
    loop = ["total += READ(t + x[READ(column)]);", "column++;", move("t", edges.tables.shape[1])]
    looped = ["for (uint_fast16_t n = READ(count); n != 0; n--) {", *indented(loop), "}", "count++;"]
    row = [
        f"{working(edges.reach)} total = {'READ(start)' if begins else '0'};",
        *(looped if some.any() else ["(void)x;"]),
        f"*y = ({edges.sums})total;",
        "y++;",
        *(["start++;"] if begins else []),
    ]
    loops = [Walk(groups, {"x": columns}), Walk(rows, {})]
    return [*lines, *begins, *walked([loop for loop in loops if loop.n > 1], row)]


_NAMES = {"t": "tables", "column": "columns", "count": "counts"}


def _some(edges: Edges) -> Bools:
    """Which edges have a table that is not constant [groups, rows, columns]."""
    found: Bools = (edges.tables != edges.tables[:, :1]).any(axis=1)[edges.select]
    return found


def _left(edges: Edges) -> Int64s:
    """What sums begin with when the others are in it."""
    constant = np.where(_some(edges), 0, edges.tables[edges.select, 0])
    found: Int64s = edges.start + constant.sum(axis=2)
    return found


def _columns(some: Bools) -> Int64s:
    """Of every edge that is left, in order."""
    return np.nonzero(some)[2].astype(np.int64)


def _counts(some: Bools) -> Int64s:
    """How many are left in every row."""
    found: Int64s = some.sum(axis=2).astype(np.int64)
    return found
