"""Stored functions: an index that stays within its table, and where each table begins."""

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.ops.lookup import Lookup
from tabulae.program.ops.take import strides as row_major
from tabulae.program.proof import Range
from tabulae.targets.c.ops._elements import Beside, accepts, channels, each
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import literal, working
from tabulae.targets.c.walk import move
from tabulae.targets.steps import Step


def emit(step: Step, source: Source) -> None:
    """Look up all elements; a second index stands behind the first, in rows of 2^k entries."""
    op = step.op
    assert isinstance(op, Lookup)
    tables, shift = _in_rows(source.array(op.tables))
    table, _ = source.table(f"table_{source.names[op.out]}", tables)
    lines, index = list[str](), list[str]()
    for number, (pointer, name, begin, entries) in enumerate(_inputs(op, source.array(op.tables))):
        index.append(f"index{number or ''}")
        lines += _kept(index[-1], f"*{pointer}", source.ranges[name], begin, entries)
    wide = "uint_fast16_t" if tables.size < 2**16 else "uint_fast32_t"
    at = f"(({wide}){index[0]} << {shift})" if shift else index[0]
    beside = _choice(op, source, int(np.prod(tables.shape[1:])))
    parts = [*(["READ(begins)"] if beside else []), at, *index[1:]]
    body = [*lines, f"*y = ({source.kind(op.out)})READ({table} + ({' + '.join(parts)}));"]
    about = f"its entry in {'a table' if op.choice is None else 'tables'} of {' x '.join(map(str, tables.shape[1:]))}"
    each(_ordered(step, op), source, "look_up", about, body, beside)


def _ordered(step: Step, op: Lookup) -> Step:
    """With the views in the order of the inputs; of one value read twice, once."""
    return step._replace(views={name: step.views[name] for name in op.reads()})


def _in_rows(tables: Int64s) -> tuple[Int64s, int]:
    """Tables whose last axis is 2^k long where there are two, and k."""
    if tables.ndim == 2:
        return tables, 0
    shift = max(1, int(tables.shape[2] - 1).bit_length())
    return np.pad(tables, ((0, 0), (0, 0), (0, 2**shift - tables.shape[2])), mode="edge"), shift


def _inputs(op: Lookup, tables: Int64s) -> list[tuple[str, str, int, int]]:
    """Pointer, value, what the first entry is for, entries."""
    found = [("x", op.input, op.begin, tables.shape[1])]
    if op.second is not None:
        found.append(("x" if op.second == op.input else "x1", op.second, op.begin2, tables.shape[2]))
    return found


def _kept(name: str, value: str, given: Range, begin: int, entries: int) -> list[str]:
    """The index of a value, kept within the table where it may leave it."""
    low, high = int(given.low.min()) - begin, int(given.high.max()) - begin
    first, last = begin, begin + entries - 1
    reach = max(abs(n) for n in (int(given.low.min()), int(given.high.max()), low, high, first, last))
    lines = [f"{working(reach)} {name} = {value};"]
    if low < 0:
        lines.append(f"if ({name} < {literal(first)}) {name} = {literal(first)};")
    if high > entries - 1:
        lines.append(f"if ({name} > {literal(last)}) {name} = {literal(last)};")
    return [*lines, *([move(name, -begin)] if begin else [])]


def _choice(op: Lookup, source: Source, entries: int) -> dict[str, Beside]:
    """Where the table of an element begins."""
    if op.choice is None:
        return {}
    choice, shape = source.array(op.choice), source.shape(op.out)
    if (choice == 0).all():
        return {}
    table, kind = source.table(f"begins_{source.names[op.out]}", choice * entries)
    strides = tuple(0 for _ in shape) if len(choice) == 1 else channels(shape)
    return {"begins": Beside(table, kind, row_major(shape) if len(choice) == int(np.prod(shape)) else strides)}


__all__ = ["accepts", "emit"]
