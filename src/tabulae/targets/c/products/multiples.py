"""Exact products of codes and weights of four bits: eight sums at a time, by shifts and adds inside of 32 bits.

Tables need not be stored where every one is a line, ``a + b * code``: the a of all edges stand in what sums begin with,
and b, less the least of them, is a weight of four bits. What was taken off is the same for all rows: that times the sum
of the codes.
"""

from math import ceil

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.targets.c.products._edges import Cost, Edges, bytes_of
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import counter, literal
from tabulae.targets.c.walk import Walk, times, walked

LARGEST = 15  # of weights and codes
AT_ONCE = 8  # rows
PLACES = (0, 4, 2, 6, 1, 5, 3, 7)  # of four bits in a word, by row: so that sums come out in the order of rows
MOST = (2**16 - 1) // LARGEST**2  # products in a sum of 16 bits
WORD, ROW, CODE, BLOCK = 32, 7, 4, 20  # instructions of 32 bits, measured
NARROW = 5  # times as many with 8 bits


def cost(edges: Edges, word: int) -> Cost | None:
    """Where tables are lines, and codes and weights have four bits."""
    groups, rows, columns = edges.counts
    slopes = _slopes(edges.tables)
    if slopes is None or edges.tables.shape[1] > LARGEST + 1 or np.ptp(slopes) > LARGEST or edges.code != "uint8_t":
        return None
    blocks = ceil(rows / AT_ONCE)
    times = groups * (blocks * (columns * WORD + BLOCK) + rows * ROW + columns * CODE)
    start = _start(edges)
    return Cost(times * (NARROW if word == 8 else 1), 4 * groups * blocks * columns + start.size * bytes_of(start))


def body(edges: Edges, source: Source) -> list[str]:
    """Pointers: to codes ``x``, to sums ``y``."""
    groups, rows, columns = edges.counts
    least = _least(edges)
    weights, _ = source.table(f"weights_{edges.out}", _words(edges, least))
    start, kind = source.table(f"start_{edges.out}", _start(edges))
    lines = [f"const uint32_t *weights = {weights};", f"const {kind} *start = {start};"]
    inside = _total(columns, least) if least else []
    full, rest = divmod(rows, AT_ONCE)
    block = [_block(edges, source, n, bool(least)) for n in (AT_ONCE, rest)]
    if full:
        inside += times(full, block[0], "j")
    if rest:
        inside += times(1, block[1])
    return [*lines, *walked([Walk(groups, {"x": columns})] if groups > 1 else [], inside)]


def _total(columns: int, least: int) -> list[str]:
    """What the least weight makes of the sum of the codes."""
    digits = [at for at in range(abs(least).bit_length()) if abs(least) >> at & 1]
    shifted = " + ".join(f"(total << {at})" if at else "total" for at in digits)
    shifted = f"-({shifted})" if least < 0 and len(digits) > 1 else f"-{shifted}" if least < 0 else shifted
    return [
        "int32_t total = 0;",
        f"for ({counter(columns)} n = 0; n != {literal(columns)}; n++) total += x[n];",
        f"total = {shifted};",
    ]


def _block(edges: Edges, source: Source, n: int, shifted: bool) -> list[str]:
    """The sums of n rows of a word."""
    piece, columns = source.piece("add_multiples"), edges.counts[2]
    parts = [MOST] * (columns // MOST) + [columns % MOST] * (columns % MOST > 0)
    total = " + total" if shifted else ""
    store = f"({edges.sums})(READ(start){total} + (int32_t)"
    if len(parts) == 1:
        lines = [
            "uint32_t sums[4];",
            f"{piece}(sums, x, weights, {literal(columns)});",
            f"weights += {literal(columns)};",
        ]
        halves = [f"(sums[{at // 2}] {'>> 16' if at % 2 else '& 0xffffUL'})" for at in range(n)]
        return [*lines, *(f"*y++ = {store}{half}); start++;" for half in halves)]
    lines = ["uint32_t sums[4];", "uint32_t wide[8] = {0, 0, 0, 0, 0, 0, 0, 0};", f"const {edges.code} *code = x;"]
    for part in parts:
        lines += [f"{piece}(sums, code, weights, {part});", f"code += {part};", f"weights += {part};"]
        lines += [
            f"wide[{at}] += {f'sums[{at // 2}] >> 16' if at % 2 else f'sums[{at // 2}] & 0xffffUL'};" for at in range(n)
        ]
    return [*lines, *(f"*y++ = {store}wide[{at}]); start++;" for at in range(n))]


def _slopes(tables: Int64s) -> Int64s | None:
    """How much every table rises from code to code, if all are lines."""
    rises = np.diff(tables, axis=1) if tables.shape[1] > 1 else np.zeros((len(tables), 1), np.int64)
    found: Int64s = rises[:, 0]
    return found if (rises == rises[:, :1]).all() else None


def _least(edges: Edges) -> int:
    """What weights are stored above: 0 where they are small and not negative already."""
    slopes = _slopes(edges.tables)
    assert slopes is not None
    return 0 if slopes.min() >= 0 and slopes.max() <= LARGEST else int(slopes.min())


def _words(edges: Edges, least: int) -> Int64s:
    """Weights above the least, eight rows in a word [groups, blocks, columns]."""
    slopes = _slopes(edges.tables)
    assert slopes is not None
    groups, rows, columns = edges.counts
    weights = np.zeros((groups, ceil(rows / AT_ONCE) * AT_ONCE, columns), np.int64)
    weights[:, :rows] = slopes[edges.select] - least
    words = np.zeros((groups, ceil(rows / AT_ONCE), columns), np.int64)
    for row, place in enumerate(PLACES):
        words |= weights[:, row::AT_ONCE] << 4 * place
    return words.astype(np.uint32)


def _start(edges: Edges) -> Int64s:
    """With what tables say to code 0."""
    found: Int64s = edges.start + edges.tables[edges.select, 0].sum(axis=2)
    return found
