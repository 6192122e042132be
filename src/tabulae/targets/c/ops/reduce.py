"""One integer of many, along one axis of a position."""

from tabulae.program.ops.reduce import Reduce
from tabulae.targets.c.ops._elements import whole
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import counter, literal, working
from tabulae.targets.c.walk import indented, move, walked, walks
from tabulae.targets.steps import Step


def emit(step: Step, source: Source) -> None:
    """The other axes are walked; at each element the axis is walked by a pointer of its own."""
    op, given = step.op, step.views[step.op.reads()[0]]
    assert isinstance(op, Reduce)
    shape, strides = source.shape(op.input), given.strides()
    left = shape[: op.axis] + shape[op.axis + 1 :] or (1,)
    moves = strides[: op.axis] + strides[op.axis + 1 :] or (0,)
    kind, magnitude = source.kind(given.value), int(source.ranges[op.input].magnitude().max())
    whole_sum = magnitude * shape[op.axis] if op.how == "sum" else magnitude
    body = _BODIES[op.how](kind, working(whole_sum), shape[op.axis], strides[op.axis], source.kind(op.out))
    lines = walked(walks(left, {"x": moves, "y": whole(left)}), body)
    about = f"{op.input} -> {op.out}: {op.how} of {shape[op.axis]}"
    name = source.function(
        f"{op.how}_{source.names[op.out]}", about, f"const {kind} *x, {source.kind(op.out)} *y", lines
    )
    source.calls.append(f"{name}({source.at(given)}, {source.names[op.out]});")


def _sum(kind: str, sums: str, n: int, step: int, out: str) -> list[str]:
    loop = _loop(n, step, [f"total = ({sums})(total + *at);"])
    return [f"const {kind} *at = x;", f"{sums} total = 0;", *loop, f"*y = ({out})total;"]


def _max(kind: str, sums: str, n: int, step: int, out: str) -> list[str]:
    loop = _loop(n, step, ["if (*at > largest) largest = *at;"])
    return [f"const {kind} *at = x;", f"{kind} largest = *x;", *loop, f"*y = ({out})largest;"]


def _argmax(kind: str, sums: str, n: int, step: int, out: str) -> list[str]:
    found = ["if (*at > largest) {", "    largest = *at;", f"    place = ({counter(n)})({literal(n)} - left);", "}"]
    start = [f"const {kind} *at = x;", f"{kind} largest = *x;", f"{counter(n)} place = 0;"]
    return [*start, *_loop(n, step, found), f"*y = ({out})place;"]


def _loop(n: int, step: int, body: list[str]) -> list[str]:
    lines = [*body, *([move("at", step)] if step else [])]
    head = f"for ({counter(n)} left = {literal(n)}; left != 0; left--) {{"
    return [head, *indented(lines), "}"]


_BODIES = {"sum": _sum, "max": _max, "argmax": _argmax}
