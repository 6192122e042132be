"""What is done to elements one by one: a function that walks them with all that stands beside them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tabulae.program.operation import Operation
from tabulae.program.ops.take import strides as row_major
from tabulae.targets.c.source import Source
from tabulae.targets.c.walk import indented, walked, walks
from tabulae.targets.steps import Step
from tabulae.targets.views import View


class Beside(NamedTuple):
    """A table that is walked with the elements."""

    table: str
    kind: str
    strides: tuple[int, ...]


def accepts(op: Operation, view: View) -> bool:
    """What is walked with others has one stride an axis."""
    return view.is_flat()


def channels(shape: tuple[int, ...], step: int = 1) -> tuple[int, ...]:
    """Strides of what every channel has."""
    return (*(0 for _ in shape[1:]), step)


def each(
    step: Step, source: Source, verb: str, about: str, body: Sequence[str], beside: Mapping[str, Beside] | None = None
) -> None:
    """A function of all elements, and its call.

    Pointers in ``body``: ``x`` and, of further inputs, ``x1``, ``x2``..., ``y``, and those of ``beside``.
    """
    beside, shape, out = beside or {}, source.shape(step.out), step.out
    inputs = {f"x{n}" if n else "x": view for n, view in enumerate(step.views.values())}
    strides = {name: view.strides() for name, view in inputs.items()} | {"y": row_major(shape)}
    strides |= {name: one.strides for name, one in beside.items()}
    lines = [f"const {one.kind} *{name} = {one.table};" for name, one in beside.items()]
    lines += walked(walks(shape, strides), body)
    parameters = [f"const {source.kind(view.value)} *{name}" for name, view in inputs.items()]
    parameters.append(f"{source.kind(out)} *y")
    name = source.function(
        f"{verb}_{source.names[out]}", f"{', '.join(step.views)} -> {out}: {about}", ", ".join(parameters), lines
    )
    arguments = [source.at(view) for view in inputs.values()]
    source.calls.append(f"{name}({', '.join([*arguments, source.names[out]])});")


__all__ = ["Beside", "accepts", "channels", "each", "indented"]
