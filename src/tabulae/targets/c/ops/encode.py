"""Codes are found by halves: of n thresholds log2(n + 1) are looked at, and all of them are adds and comparisons."""

from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.ops.encode import Encode
from tabulae.targets.c.ops._elements import Beside, accepts, channels, each
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import working
from tabulae.targets.c.walk import walked, walks
from tabulae.targets.steps import Step

UNROLLED = 4  # halvings that are written one by one


class Search(NamedTuple):
    """The thresholds as they are stored, and what finds the code of ``*x`` at pointer ``t`` to those of its channel."""

    table: str
    kind: str
    step: int  # from one channel to the next; 0 where all have the same
    body: list[str]


def emit(step: Step, source: Source) -> None:
    """Codes of all elements."""
    op = step.op
    assert isinstance(op, Encode)
    found, shape = search(op, source), source.shape(op.out)
    beside = {"t": Beside(found.table, found.kind, channels(shape, found.step))} if found.body[1:] else {}
    each(step, source, "encode", "how many thresholds are not above", found.body, beside)


def row(op: Encode, source: Source, kind: str) -> str:
    """A function of one position: from sums of a type to codes. Its name."""
    found, n = search(op, source), source.program.values[op.out].channels
    strides = {"x": (1,), "y": (1,), "t": (found.step,)} if found.body[1:] else {"x": (1,), "y": (1,)}
    declared = [f"const {found.kind} *t = {found.table};"] if found.body[1:] else []
    parameters = f"const {kind} *x, {source.kind(op.out)} *y"
    body = [*declared, *walked(walks((n,), strides), found.body)]
    return source.function(
        f"encode_{source.names[op.out]}", f"{op.out}: thresholds that are not above", parameters, body
    )


def search(op: Encode, source: Source) -> Search:
    """How codes are found."""
    given, out = source.ranges[op.input], source.kind(op.out)
    low, high = int(given.low.min()), int(given.high.max())
    thresholds = np.clip(source.array(op.thresholds), low, high + 1)
    halvings = int(thresholds.shape[1]).bit_length()
    if not halvings or int(source.ranges[op.out].high.max()) == 0:
        return Search("", "", 0, ["*y = 0;"])
    filled = _filled(thresholds, 2**halvings - 1, high + 1)
    table, kind = source.table(f"thresholds_{source.names[op.out]}", filled)
    step = filled.shape[1] if len(filled) > 1 else 0
    value = working(max(abs(low), abs(high + 1)))
    body = [f"const {value} value = *x;", f"const {kind} *at = t;", *_halvings(halvings), f"*y = ({out})(at - t);"]
    return Search(table, kind, step, body)


def _filled(thresholds: Int64s, n: int, never: int) -> Int64s:
    """Thresholds [channels, n], those behind the last never reached; one row if all channels have the same."""
    missing = n - thresholds.shape[1]
    filled = np.pad(thresholds, ((0, 0), (0, missing)), constant_values=never)
    return filled[:1] if (filled == filled[:1]).all() else filled


def _halvings(n: int) -> list[str]:
    if n <= UNROLLED:
        halves = (2**at for at in reversed(range(n)))
        return [f"if (value >= READ(at{f' + {half - 1}' if half > 1 else ''})) at += {half};" for half in halves]
    return [
        f"for (uint_fast16_t half = {2 ** (n - 1)}; half != 0; half >>= 1) {{",
        "    if (value >= READ(at + (half - 1))) at += half;",
        "}",
    ]


__all__ = ["accepts", "emit", "row", "search"]
