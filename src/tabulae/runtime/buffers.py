"""Which values stand in the same memory: those of one type of which never two are needed at the same time.

A value is needed from the operation that writes it to the last one that reads it, as often as that happens. Inputs are
given before the first operation and outputs taken after the last one. One type: integers are indices, so what a part of
a graph that is run alone finds in their place must lie in their interval, whosever it is.
"""

from collections.abc import Iterable, Mapping

from tabulae.program.graph import Graph
from tabulae.program.value import Int, Value

Interval = tuple[int, int] | None  # of integers; None: float32


def buffers(program: Graph) -> dict[str, int]:
    """The number of every value's buffer, in the order of their sizes; a buffer is as large as its largest value.

    >>> from tabulae.program.ops.add import Add
    >>> from tabulae.program.value import Value
    >>> chain = tuple(Add(a, a, b) for a, b in zip("abcd", "bcde"))
    >>> buffers(Graph(chain, {name: Value(("positions", 8)) for name in "abcde"}, ("a",), ("e",), 4))
    {'a': 0, 'b': 1, 'c': 0, 'd': 1, 'e': 0}
    """
    steps = _steps(program)
    kinds: list[Interval] = []  # by buffer
    busy: list[int] = []  # the steps at which one of its values is needed
    found = {}
    for name in sorted(program.values, key=lambda name: -program.values[name].width):
        kind = _interval(program.values[name])
        free = (at for at, other in enumerate(kinds) if other == kind and not busy[at] & steps[name])
        found[name] = at = next(free, len(kinds))
        if at == len(kinds):
            kinds.append(kind)
            busy.append(0)
        busy[at] |= steps[name]
    return found


def _interval(value: Value) -> Interval:
    return value.type.interval() if isinstance(value.type, Int) else None


def _steps(program: Graph) -> dict[str, int]:
    """By value, the operations at which it must stand, as bits of a number."""
    last = len(program.operations) - 1
    steps = dict.fromkeys(program.values, 0)
    _mark(steps, program.inputs, 0)
    needed = set(program.outputs)
    for at in range(last, -1, -1):
        op = program.operations[at]
        _mark(steps, needed.union(op.writes(), op.reads()), at)
        needed = needed - set(op.writes()) | set(op.reads())
    return steps


def _mark(steps: dict[str, int], names: Iterable[str], at: int) -> None:
    for name in names:
        steps[name] |= 1 << at


def stands(program: Graph, places: Mapping[str, int], name: str, begin: int, end: int) -> bool:
    """Whether a value that was given or written still stands after operations ``begin`` to ``end``.

    >>> from tabulae.program.ops.add import Add
    >>> from tabulae.program.value import Value
    >>> chain = tuple(Add(a, a, b) for a, b in zip("abcd", "bcde"))
    >>> program = Graph(chain, {name: Value(("positions", 8)) for name in "abcde"}, ("a",), ("e",), 4)
    >>> [stands(program, buffers(program), name, 0, 2) for name in "abc"]
    [False, True, True]
    """
    for op in reversed(program.operations[begin:end]):
        if name in op.writes():
            return True
        if places[name] in {places[other] for other in op.writes()}:
            return False
    return True
