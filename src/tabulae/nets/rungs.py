"""The sharing ladder: which edges of a layer have one table of products. Every rung gives the same integers.

Exact products sit at the first rung and lose nothing there. A higher rung stores the same entries again and again, and
pays only where they are changed afterwards (tuned), or where a table is logic.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Int64s, Integers
from tabulae.errors import UsageError
from tabulae.nets.builder import Built, narrow
from tabulae.program.net import Net
from tabulae.program.ops.products import Products

Rung = Literal["value", "input", "row", "edge"]
RUNGS: tuple[Rung, ...] = get_args(Rung)


class Size(NamedTuple):
    """What one layer's tables take on a rung."""

    tables: int
    entries: int
    bytes: int  # of entries and of what selects them


def raised(built: Built, rung: str) -> Built:
    """The same net with the tables of all its layers on a rung of their own: the literal database at ``edge``.

    :raises UsageError: no such rung
    """
    if rung not in RUNGS:
        raise UsageError("tables", "the rung must be known", rung, f"accepted: {', '.join(RUNGS)}")
    operations, arrays = [], dict(built.arrays)
    for op in built.program.operations:
        if isinstance(op, Products) and op.select is not None and rung != "value":
            op = _raised(op, op.select, arrays, rung)
        operations.append(op)
    return Built(msgspec.structs.replace(built.program, operations=tuple(operations)), arrays)


def _raised(op: Products, select: str, arrays: dict[str, Integers], rung: str) -> Products:
    tables, chosen = arrays[op.tables], arrays[select].astype(np.int64)
    if rung == "edge":
        arrays[op.tables] = tables[chosen.reshape(-1)]
        del arrays[select]
        return msgspec.structs.replace(op, select=None)
    owner = OWNERS[rung](chosen.shape)
    arrays[op.tables] = np.tile(tables, (int(owner.max()) + 1, 1))
    arrays[select] = narrow(owner * len(tables) + chosen)
    return op


OWNERS: dict[
    str, Callable[[tuple[int, ...]], Int64s]
] = {  # who has tables of its own, of edges [groups, rows, columns]
    "input": lambda shape: _numbered(shape, (0, 2)),
    "row": lambda shape: _numbered(shape, (0, 1)),
}


def _numbered(shape: tuple[int, ...], axes: tuple[int, int]) -> Int64s:
    """0, 1, ... along two axes, the same along the third [shape]."""
    numbers = np.arange(shape[axes[0]] * shape[axes[1]])
    return np.broadcast_to(numbers.reshape([n if axis in axes else 1 for axis, n in enumerate(shape)]), shape)


def sizes(program: Net, layer: str, arrays: dict[str, Integers]) -> dict[Rung, Size]:
    """What the tables of a layer, by the name of its sums, take on every rung."""
    op = next(op for op in layers(program) if op.out == layer)
    count, codes = arrays[op.tables].shape
    g, r, j = edges(program, op)
    tables: dict[Rung, int] = {"value": count, "input": g * j * count, "row": g * r * count, "edge": g * r * j}
    width = arrays[op.tables].itemsize
    found: dict[Rung, Size] = {}
    for rung in RUNGS:
        n = tables[rung]
        chosen = 0 if rung == "edge" else g * r * j * narrow(np.array([n - 1])).itemsize
        found[rung] = Size(n, n * codes, n * codes * width + chosen)
    return found


def layers(program: Net) -> Iterator[Products]:
    """All layers that look products up."""
    return (op for op in program.operations if isinstance(op, Products))


def edges(program: Net, op: Products) -> tuple[int, int, int]:
    """Groups, rows and columns of a layer."""
    rows, columns = (program.values[name].channels // op.groups for name in (op.out, op.input))
    return op.groups, rows, columns
