"""One integer of many, along one axis of a position."""

from tabulae.program.operation import Operation
from tabulae.program.ops.reduce import Reduce
from tabulae.program.ops.take import strides as row_major
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import working
from tabulae.targets.c.walk import walked, walks
from tabulae.targets.steps import Step
from tabulae.targets.views import Loop, View

INNER = 3  # the letter of the first loop along the axis


def accepts(op: Operation, view: View) -> bool:
    """The axis that goes may be any nest: the window of a pool."""
    assert isinstance(op, Reduce)
    return all(len(axis) <= 1 for number, axis in enumerate(view.axes) if number != op.axis)


def emit(step: Step, source: Source) -> None:
    """The other axes are walked; at each element the axis is walked by a pointer of its own."""
    op, given = step.op, step.views[step.op.reads()[0]]
    assert isinstance(op, Reduce)
    shape, axes = source.shape(op.input), given.axes
    left = shape[: op.axis] + shape[op.axis + 1 :] or (1,)
    moves = given._replace(axes=axes[: op.axis] + axes[op.axis + 1 :]).strides() or (0,)
    kind, magnitude = source.kind(given.value), int(source.ranges[op.input].magnitude().max())
    whole_sum = magnitude * shape[op.axis] if op.how == "sum" else magnitude
    body = _BODIES[op.how](kind, working(whole_sum), axes[op.axis], source.kind(op.out))
    lines = walked(walks(left, {"x": moves, "y": row_major(left)}), body)
    about = f"{op.input} -> {op.out}: {op.how} of {shape[op.axis]}"
    name = source.function(
        f"{op.how}_{source.names[op.out]}", about, f"const {kind} *x, {source.kind(op.out)} *y", lines
    )
    source.calls.append(f"{name}({source.at(given)}, {source.names[op.out]});")


def _sum(kind: str, sums: str, axis: tuple[Loop, ...], out: str) -> list[str]:
    loop = _along(axis, [f"total = ({sums})(total + *at);"])
    return [f"const {kind} *at = x;", f"{sums} total = 0;", *loop, f"*y = ({out})total;"]


def _max(kind: str, sums: str, axis: tuple[Loop, ...], out: str) -> list[str]:
    loop = _along(axis, ["if (*at > largest) largest = *at;"])
    return [f"const {kind} *at = x;", f"{kind} largest = *x;", *loop, f"*y = ({out})largest;"]


def _argmax(kind: str, sums: str, axis: tuple[Loop, ...], out: str) -> list[str]:
    found = ["if (*at > largest) {", "    largest = *at;", "    place = number;", "}", "number++;"]
    start = [f"const {kind} *at = x;", f"{kind} largest = *x;", f"{out} number = 0, place = 0;"]
    return [*start, *_along(axis, found), "*y = place;"]


def _along(axis: tuple[Loop, ...], body: list[str]) -> list[str]:
    """The axis that goes, by a pointer of its own."""
    return walked(walks([loop.n for loop in axis], {"at": [loop.stride for loop in axis]}), body, INNER)


_BODIES = {"sum": _sum, "max": _max, "argmax": _argmax}
