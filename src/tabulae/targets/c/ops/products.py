"""Sums of products: position by position, in the form that costs least, and at once their codes where only those count.

A position's codes are read in place where they stand one after the other, else they are put so first.
"""

from collections.abc import Mapping
from importlib import import_module
from itertools import pairwise
from types import ModuleType

from tabulae.program.operation import Operation
from tabulae.program.ops.products import Products
from tabulae.program.ops.take import strides as row_major
from tabulae.targets.c import products
from tabulae.targets.c.ops import encode
from tabulae.targets.c.products import FORMS
from tabulae.targets.c.products._edges import Cost, Edges, edges
from tabulae.targets.c.source import Source
from tabulae.targets.c.walk import walked, walks
from tabulae.targets.steps import Step
from tabulae.targets.views import Loop, View

FACTOR = 2  # more tables than this times the fewest are not paid for speed


def accepts(op: Operation, view: View) -> bool:
    """Positions are walked by one stride an axis; what stands at one may be any nest."""
    return all(len(axis) <= 1 for axis in view.axes[:-1])


def emit(step: Step, source: Source) -> None:
    """One function for the sums of a position, and one that walks positions where there are several."""
    op, seen = step.op, step.views[step.op.reads()[0]]
    assert isinstance(op, Products)
    code, out = source.kind(seen.value), source.names[op.out]
    summed = edges(op, source, code)
    form = _form(summed, source, op)
    about = f"{op.input} -> {op.out}: sums of products at one position, {form.__name__.rsplit('.', 1)[1]}"
    parameters = f"const {code} *x, {summed.sums} *y"
    calls = [source.function(f"sum_{out}", about, parameters, form.body(summed, source))]
    if step.encode is not None:
        calls.append(encode.row(step.encode, source, summed.sums))
    if not _in_place(seen):
        calls.insert(0, _gathered(seen, source, out, code))
    _positions(step, source, seen, summed, calls)


def _form(summed: Edges, source: Source, op: Products) -> ModuleType:
    """The form to take, by its estimate; all estimates are noted."""
    modules = {name: import_module(f"{products.__name__}.{name}") for name in FORMS}
    estimates = {name: module.cost(summed, source.options.word) for name, module in modules.items()}
    costs: dict[str, Cost] = {name: cost for name, cost in estimates.items() if cost is not None}
    best = source.options.form if source.options.form in costs else _quickest(costs)
    said = (f"{name} {cost.instructions:,} instructions, {cost.flash:,} bytes" for name, cost in costs.items())
    source.notes.append(f"{op.out}, a position: {'; '.join(said)}: {best}")
    return modules[best]


def _quickest(costs: Mapping[str, Cost]) -> str:
    """Of the forms that do not need far more bytes than the smallest."""
    most = FACTOR * min(cost.flash for cost in costs.values())
    return min((cost.instructions, cost.flash, name) for name, cost in costs.items() if cost.flash <= most)[2]


def _in_place(seen: View) -> bool:
    last = seen.axes[-1]
    return not last or (len(last) == 1 and last[0].stride == 1)


def _gathered(seen: View, source: Source, out: str, code: str) -> str:
    """A function that puts the codes of a position one after the other. Its name."""
    last = seen.axes[-1]
    counts = tuple(loop.n for loop in last)
    loops = walks(counts, {"x": tuple(loop.stride for loop in last), "y": row_major(counts)})
    about = f"{out}: the codes of one position, one after the other"
    return source.function(f"gather_{out}", about, f"const {code} *x, {code} *y", walked(loops, ["*y = *x;"]))


def _positions(step: Step, source: Source, seen: View, summed: Edges, calls: list[str]) -> None:
    """The calls of a position with what lies between them, at every position."""
    op, y = step.op, source.names[step.out]
    assert isinstance(op, Products)
    rooms = []
    if len(calls) > (1 if step.encode is None else 2):
        rooms.append(
            (source.room(f"row_{summed.out}", summed.code, source.program.values[op.input].channels), summed.code)
        )
    if step.encode is not None:
        rooms.append(
            (source.room(f"sums_{summed.out}", summed.sums, source.program.values[op.out].channels), summed.sums)
        )
    outer, shape = source.shape(op.input)[:-1], source.shape(step.out)
    x_strides = tuple(_stride(axis) for axis in seen.axes[:-1])
    loops = walks(outer, {"x": x_strides, "y": row_major(shape)[:-1]})
    chain = ["x", *(name for name, _ in rooms), "y"]
    lines = [f"{call}({a}, {b});" for call, (a, b) in zip(calls, pairwise(chain), strict=True)]
    if not loops:
        source.calls += [line.replace("(x,", f"({source.at(seen)},").replace(", y)", f", {y})") for line in lines]
        return
    parameters = [
        f"const {summed.code} *x",
        *(f"{kind} *{name}" for name, kind in rooms),
        f"{source.kind(step.out)} *y",
    ]
    name = source.function(
        f"products_{y}", f"{op.input} -> {step.out}, at all positions", ", ".join(parameters), walked(loops, lines)
    )
    source.calls.append(f"{name}({', '.join([source.at(seen), *(name for name, _ in rooms), y])});")


def _stride(axis: tuple[Loop, ...]) -> int:
    return axis[0].stride if axis else 0
