"""Every edge has its own table: one after the other, in the order in which edges are summed."""

from tabulae.targets.c.products._edges import Cost, Edges, bytes_of, declared_start, start_bytes
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import working
from tabulae.targets.c.walk import Walk, move, times, walked

EDGE, ROW = {32: 7, 8: 22}, {32: 8, 8: 16}  # instructions, measured


def cost(edges: Edges, word: int) -> Cost | None:
    """Of tables that are as many as edges."""
    groups, rows, columns = edges.counts
    flash = edges.select.size * edges.tables.shape[1] * bytes_of(edges.tables) + start_bytes(edges.start)
    return Cost(groups * rows * (ROW[word] + columns * EDGE[word]), flash)


def body(edges: Edges, source: Source) -> list[str]:
    """Pointers: to codes ``x``, to sums ``y``."""
    groups, rows, columns = edges.counts
    table, kind = source.table(f"tables_{edges.out}", edges.tables[edges.select])
    sums = working(edges.reach)
    begins = declared_start(edges.start, edges.out, source)
    loop = ["total += READ(t + *code);", "code++;", move("t", edges.tables.shape[1])]
    row = [
        f"const {edges.code} *code = x;",
        f"{sums} total = {'READ(start)' if begins else '0'};",
        *times(columns, loop),
        f"*y = ({edges.sums})total;",
    ]
    row += ["y++;", *(["start++;"] if begins else [])]
    loops = [Walk(groups, {"x": columns}), Walk(rows, {})]
    return [f"const {kind} *t = {table};", *begins, *walked([loop for loop in loops if loop.n > 1], row)]
