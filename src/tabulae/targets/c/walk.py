"""Loops whose pointers move by constants: no index, so nothing is multiplied at any level of optimisation."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tabulae.targets.c.types import counter, literal


class Walk(NamedTuple):
    """A loop, and by how many elements each pointer moves from one round to the next."""

    n: int
    strides: dict[str, int]


def walks(shape: Sequence[int], strides: Mapping[str, Sequence[int]]) -> list[Walk]:
    """One loop an axis; neighbours that every pointer walks as one are one, and axes of one element none.

    >>> walks((2, 1, 3), {"x": (6, 3, 1), "y": (3, 3, 1)})
    [Walk(n=2, strides={'x': 6, 'y': 3}), Walk(n=3, strides={'x': 1, 'y': 1})]
    >>> walks((2, 3), {"x": (3, 1)})
    [Walk(n=6, strides={'x': 1})]
    """
    found = list[Walk]()
    for axis, count in enumerate(shape):
        inner = Walk(count, {name: steps[axis] for name, steps in strides.items()})
        if count == 1:
            continue
        if found and all(found[-1].strides[name] == step * count for name, step in inner.strides.items()):
            inner = Walk(found.pop().n * count, inner.strides)
        found.append(inner)
    return found


def walked(loops: Sequence[Walk], body: Sequence[str], depth: int = 0) -> list[str]:
    """The lines of these loops around a body that leaves the pointers alone.

    >>> print("\\n".join(walked([Walk(2, {"x": 6, "y": 3}), Walk(3, {"x": 1, "y": 1})], ["*y = *x;"])))
    for (uint_fast8_t i = 2; i != 0; i--) {
        for (uint_fast8_t j = 3; j != 0; j--) {
            *y = *x;
            x++;
            y++;
        }
        x += 3;
    }
    """
    if not loops:
        return list(body)
    loop, inside = loops[0], loops[1:]
    moved = {name: inside[0].n * step for name, step in inside[0].strides.items()} if inside else {}
    moves = [move(name, step - moved.get(name, 0)) for name, step in loop.strides.items()]
    lines = [*walked(inside, body, depth + 1), *(line for line in moves if line)]
    return times(loop.n, lines, "ijklmnop"[depth])


def times(n: int, body: Sequence[str], index: str = "n") -> list[str]:
    """The lines so many times, in a block of their own.

    >>> times(1, ["x++;"])
    ['{', '    x++;', '}']
    """
    kind = counter(n)
    head = f"for ({kind} {index} = {literal(n)}; {index} != 0; {index}--) {{" if n > 1 else "{"
    return [head, *indented(body), "}"]


def at(pointer: str, n: int) -> str:
    """An element behind a pointer.

    >>> at("x", 0), at("x", 2)
    ('x', 'x + 2')
    """
    return f"{pointer} + {literal(n)}" if n else pointer


def move(name: str, step: int) -> str:
    """A pointer goes on.

    >>> move("x", 1), move("x", -7), move("x", 0)
    ('x++;', 'x -= 7;', '')
    """
    if abs(step) <= 1:
        return f"{name}{'++' if step == 1 else '--'};" if step else ""
    return f"{name} {'+' if step > 0 else '-'}= {literal(abs(step))};"


def indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    """Lines one block deeper."""
    return [" " * 4 * depth + line if line else line for line in lines]
