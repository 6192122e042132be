"""Edges share tables: which, is stored in four bits or eight; the entries of one code stand in one row for all tables.

Some rows are summed at once, so that a code finds its row of entries once for all of them.
"""

from math import ceil

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.targets.c.products._edges import Cost, Edges, bytes_of, declared_start, start_bytes
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import working
from tabulae.targets.c.walk import Walk, at, move, times, walked

AT_ONCE = 4  # rows: as many sums as the registers of small chips hold
EDGE, CODE, ROW = {32: 5, 8: 18}, {32: 6, 8: 24}, {32: 6, 8: 12}  # instructions, measured


def cost(edges: Edges, word: int) -> Cost | None:
    """Of 65536 tables at most."""
    groups, rows, columns = edges.counts
    if len(edges.tables) > 2**16:
        return None
    entries = edges.tables.shape[1] * 2 ** _shift(edges)
    flash = entries * bytes_of(edges.tables) + start_bytes(edges.start)
    flash += sum(groups * columns * _stored(edges, n) * (2 if len(edges.tables) > 2**8 else 1) for n in _blocks(rows))
    times = len(_blocks(rows))
    return Cost(groups * (columns * (rows * EDGE[word] + times * CODE[word]) + rows * ROW[word]), flash)


def body(edges: Edges, source: Source) -> list[str]:
    """Pointers: to codes ``x``, to sums ``y``."""
    groups, rows, columns = edges.counts
    shift, blocks = _shift(edges), _blocks(rows)
    table, kind = source.table(
        f"tables_{edges.out}", np.pad(edges.tables, ((0, 2**shift - len(edges.tables)), (0, 0))).T
    )
    select, stored = source.table(f"select_{edges.out}", _packed(edges, blocks))
    begins = declared_start(edges.start, edges.out, source)
    lines = [f"const {stored} *select = {select};", *begins]
    full, inside = blocks.count(AT_ONCE), list[str]()
    wide = "uint_fast16_t" if edges.tables.shape[1] << shift < 2**16 else "uint_fast32_t"
    entry = f"const {kind} *entry = {table} + (({wide})*code << {shift});"
    if full:
        block = _block(edges, AT_ONCE, entry, bool(begins))
        inside += times(full, block, "j")
    if blocks[-1] != AT_ONCE:
        inside += times(1, _block(edges, blocks[-1], entry, bool(begins)))
    return [*lines, *walked([Walk(groups, {"x": columns})] if groups > 1 else [], inside)]


def _block(edges: Edges, count: int, entry: str, begins: bool) -> list[str]:
    """The sums of n rows."""
    columns, sums = edges.counts[2], working(edges.reach)
    names = [f"sum{n}" for n in range(count)]
    loop = [entry, *_adds(edges, names), "code++;", move("select", _stored(edges, count))]
    lines = [f"const {edges.code} *code = x;"]
    first = [f"READ({at('start', n)})" if begins else "0" for n in range(count)]
    lines += [f"{sums} {name} = {value};" for name, value in zip(names, first, strict=True)]
    lines += times(columns, loop)
    lines += [f"y[{n}] = ({edges.sums}){name};" for n, name in enumerate(names)]
    return [*lines, move("y", count), *([move("start", count)] if begins else [])]


def _adds(edges: Edges, names: list[str]) -> list[str]:
    """One entry for every sum."""
    if not _packs(edges):
        return [f"{name} += READ(entry + READ({at('select', n)}));" for n, name in enumerate(names)]
    lines = list[str]()
    for n, pair in enumerate((names[:2], names[2:])[: ceil(len(names) / 2)]):
        two = f"two{n}"
        lines.append(f"const uint_fast8_t {two} = READ({at('select', n)});")
        lines += [
            f"{name} += READ(entry + ({two} {half}));" for name, half in zip(pair, ("& 15", ">> 4"), strict=False)
        ]
    return lines


def _packed(edges: Edges, blocks: list[int]) -> Int64s:
    """What is selected, in the order in which it is read: group, block of rows, column, row."""
    found, first = list[Int64s](), 0
    pieces = []
    for n in blocks:
        pieces.append(edges.select[:, first : first + n].transpose(0, 2, 1))  # [groups, columns, n]
        first += n
    for group in range(edges.counts[0]):
        found += [_pairs(piece[group]) if _packs(edges) else piece[group].reshape(-1) for piece in pieces]
    return np.concatenate(found)


def _pairs(select: Int64s) -> Int64s:
    """Two numbers below 16 in a byte, the first in the lower half."""
    even = np.pad(select, ((0, 0), (0, select.shape[1] % 2)))
    found: Int64s = (even[:, ::2] | even[:, 1::2] << 4).reshape(-1)
    return found


def _packs(edges: Edges) -> bool:
    return len(edges.tables) <= 16


def _stored(edges: Edges, n: int) -> int:
    """How many integers say what n rows select in a column."""
    return ceil(n / 2) if _packs(edges) else n


def _blocks(rows: int) -> list[int]:
    return [AT_ONCE] * (rows // AT_ONCE) + [rows % AT_ONCE] * (rows % AT_ONCE > 0)


def _shift(edges: Edges) -> int:
    return int(len(edges.tables) - 1).bit_length()
