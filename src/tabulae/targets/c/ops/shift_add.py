"""Sums of shifted integers, element by element."""

import numpy as np

from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.targets.c.ops._elements import Beside, accepts, channels, each
from tabulae.targets.c.source import Source
from tabulae.targets.steps import Step


def emit(step: Step, source: Source) -> None:
    """In 32 bits, which no part of the sum leaves."""
    op = step.op
    assert isinstance(op, ShiftAdd)
    beside = _constant(op, source)
    pointers = {name: f"x{n}" if n else "x" for n, name in enumerate(step.views)}
    body = [f"int_fast32_t total = {'READ(c)' if beside else '0'};"]
    body += [
        f"total {'-' if term.negative else '+'}= {_shifted(term, pointers[term.input], source)};" for term in op.terms
    ]
    each(step, source, "add", "sum of shifted terms", [*body, f"*y = ({source.kind(op.out)})total;"], beside)


def _shifted(term: Term, pointer: str, source: Source) -> str:
    value = f"(int32_t)*{pointer}"
    if term.shift == 0:
        return value
    if term.shift > 0:  # of a negative number C does not say what << is
        return f"(int32_t)((uint32_t){value} << {term.shift})"
    if int(source.ranges[term.input].low.min()) >= 0:
        return f"{value} >> {-term.shift}"
    return f"{source.piece('floor_shift')}({value}, {-term.shift})"


def _constant(op: ShiftAdd, source: Source) -> dict[str, Beside]:
    if op.constant is None:
        return {}
    constant, shape = source.array(op.constant), source.shape(op.out)
    table, kind = source.table(f"constant_{source.names[op.out]}", np.asarray(constant))
    return {"c": Beside(table, kind, channels(shape))}


__all__ = ["accepts", "emit"]
