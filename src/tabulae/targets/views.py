"""Where the elements of a value stand, if it is never stored: an affine view of one that is.

A ``Take`` of one value without fill is such a view, and so is a chain of them, where its numbers of elements are sums
of what every axis adds. What a target reads through a view, it walks with a pointer that moves by constants.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.graph import Graph
from tabulae.program.operation import Operation
from tabulae.program.ops.take import Take
from tabulae.program.value import Value

DEEPEST = 3  # loops of one axis: the rows and columns of a window, and what stands at each


class Loop(NamedTuple):
    """So many elements, so far apart."""

    n: int
    stride: int


class View(NamedTuple):
    """``value[base + steps of every axis]``; an axis is a nest of loops, the outermost first, none if it is 1 long."""

    value: str
    base: int
    axes: tuple[tuple[Loop, ...], ...]

    def is_flat(self) -> bool:
        """Whether every axis is one loop."""
        return all(len(axis) <= 1 for axis in self.axes)

    def strides(self) -> tuple[int, ...]:
        """Of every axis, where the view is flat; 0 where it is 1 long."""
        return tuple(axis[0].stride if axis else 0 for axis in self.axes)

    def is_whole(self) -> bool:
        """Whether its elements stand one after the other."""
        return all(loop.stride == step for loop, step in zip(self._loops(), self._steps(), strict=True))

    def _loops(self) -> list[Loop]:
        return [loop for axis in self.axes for loop in axis]

    def _steps(self) -> list[int]:
        counts = [loop.n for loop in self._loops()]
        return [int(np.prod(counts[at + 1 :])) for at in range(len(counts))]


Accepts = Callable[[Operation, View], bool]


def loops(numbers: Int64s, deepest: int = DEEPEST) -> tuple[Loop, ...] | None:
    """The nest of loops that steps through these numbers; None if there is none of that depth.

    >>> loops(np.array([0, 1, 2, 10, 11, 12]))
    (Loop(n=2, stride=10), Loop(n=3, stride=1))
    """
    if len(numbers) == 1:
        return ()
    steps = np.diff(numbers)
    breaks = np.flatnonzero(steps != steps[0])
    run = int(breaks[0]) + 1 if len(breaks) else len(numbers)
    inner = Loop(run, int(steps[0]))
    if run == len(numbers):
        return (inner,)
    if deepest == 1 or len(numbers) % run:
        return None
    blocks = numbers.reshape(-1, run)
    alike = bool((blocks - blocks[:, :1] == blocks[0] - blocks[0, 0]).all())
    outer = loops(blocks[:, 0], deepest - 1) if alike else None
    return None if outer is None else (*outer, inner)


def view(value: str, elements: Int64s) -> View | None:
    """The view whose elements are these [its shape], if axes can be walked one by one."""
    base, zero = int(elements.flat[0]), (0,) * elements.ndim
    total, axes = np.full(elements.shape, base, np.int64), []
    for axis, n in enumerate(elements.shape):
        along = np.moveaxis(elements, axis, -1)[zero[1:]] - base
        nest = loops(along)
        if nest is None:
            return None
        axes.append(nest)
        total += along.reshape(*(n if at == axis else 1 for at in range(elements.ndim)))
    return View(value, base, tuple(axes)) if (total == elements).all() else None


def stored(name: str, value: Value) -> View:
    """A value as it is.

    >>> stored("x", Value(("positions", 2, 3)))
    View(value='x', base=0, axes=((Loop(n=2, stride=3),), (Loop(n=3, stride=1),)))
    """
    found = view(name, np.arange(value.width).reshape(value.static))
    assert found is not None
    return found


def views(program: Graph, accepts: Accepts) -> dict[str, View]:
    """The values that need not be stored, because everything that reads them accepts their view."""
    candidates, found = _candidates(program), dict[str, View]()
    readers: dict[str, list[Operation]] = {}
    for op in program.operations:
        for name in op.reads():
            readers.setdefault(name, []).append(op)
    for op in reversed(program.operations):  # readers before what they read
        name = op.writes()[0]
        seen = candidates.get(name)
        if seen is None or name in program.outputs:
            continue
        if all(_goes_on(reader, found) or accepts(reader, seen) for reader in readers.get(name, [])):
            found[name] = seen
    return found


def _goes_on(reader: Operation, found: Mapping[str, View]) -> bool:
    """Whether it is a view itself, which goes through to what is stored."""
    return isinstance(reader, Take) and reader.out in found


def _candidates(program: Graph) -> dict[str, View]:
    elements, found = dict[str, tuple[str, Int64s]](), dict[str, View]()
    for op in program.operations:
        whole = _whole(op, program.values[op.out].static) if isinstance(op, Take) else None
        if isinstance(op, Take) and whole is not None:
            root, inner = elements.get(op.pieces[0].input, (op.pieces[0].input, None))
            elements[op.out] = root, whole if inner is None else inner.reshape(-1)[whole]
            seen = view(*elements[op.out])
            if seen is not None:
                found[op.out] = seen
    return found


def _whole(op: Take, shape: Sequence[int]) -> Int64s | None:
    """The element of every place, if all are of one value and nothing is filled."""
    if len({piece.input for piece in op.pieces}) != 1:
        return None
    elements = np.full(shape, -1, np.int64)
    for piece in op.pieces:
        elements[piece.slices(tuple(shape))] = piece.elements(tuple(shape))
    return elements if elements.min() >= 0 else None
