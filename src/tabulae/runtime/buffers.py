"""Which values stand in the same memory: those of one type of which never two are needed at the same time.

A value is needed from the first operation that writes it to the last one that reads it; inputs from the beginning,
outputs to the end. One type: where integers are addresses, what a part of a graph that is run alone finds in their
place must lie in their interval, whosever it is. Integers of which no operation makes an address (sums, before they
become codes) need no such care, and share as if all had the interval of 32 bits. Nothing rests on which these are: the
core knows a value by the interval that it is given here, and refuses one that is too wide to be an address.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from heapq import heappop, heappush

from tabulae.program.graph import Graph
from tabulae.program.value import Int, Value

Interval = tuple[int, int] | None  # of integers; None: float32
ANY = (-(2**31), 2**31 - 1)


def buffers(program: Graph) -> dict[str, int]:
    """The number of every value's buffer, which is as large as its largest value.

    Lives are intervals, so giving each the freed buffer of its size or the largest one needs no more buffers than
    values are needed at once; it takes n log n steps, because a graph may come from a file that means harm.

    >>> from tabulae.program.ops.add import Add
    >>> from tabulae.program.value import Value
    >>> chain = tuple(Add(a, a, b) for a, b in zip("abcd", "bcde"))
    >>> buffers(Graph(chain, {name: Value(("positions", 8)) for name in "abcde"}, ("a",), ("e",), 4))
    {'a': 0, 'b': 1, 'c': 0, 'd': 1, 'e': 0}
    """
    lives, found, widths, kept = _lives(program), dict[str, int](), list[int](), intervals(program)
    busy: list[tuple[int, str]] = []  # last step, value
    free: dict[Interval, list[tuple[int, int]]] = {}  # width, buffer: ascending
    for name in sorted(lives, key=lambda name: lives[name][0]):
        first, last = lives[name]
        while busy and busy[0][0] < first:
            _, done = heappop(busy)
            insort(free.setdefault(kept[done], []), (widths[found[done]], found[done]))
        width, fitting = program.values[name].width, free.get(kept[name], [])
        at = bisect_left(fitting, (width, 0))
        found[name] = fitting.pop(min(at, len(fitting) - 1))[1] if fitting else len(widths)
        if found[name] == len(widths):
            widths.append(0)
        widths[found[name]] = max(widths[found[name]], width)
        heappush(busy, (last, name))
    return found


def intervals(program: Graph) -> dict[str, Interval]:
    """In which integers lie, as far as the core must know: those of inputs, which it checks, and of addresses."""
    known = {*program.inputs, *(name for op in program.operations for name in op.addresses())}
    return {name: _interval(value, name in known) for name, value in program.values.items()}


def _interval(value: Value, known: bool) -> Interval:
    if not isinstance(value.type, Int):
        return None
    return value.type.interval() if known else ANY


def _lives(program: Graph) -> dict[str, tuple[int, int]]:
    """The first and the last operation at which a value must stand; of one that nothing uses, the first of all."""
    first, last = dict.fromkeys(program.inputs, 0), dict[str, int]()
    for at, op in enumerate(program.operations):
        for name in (*op.reads(), *op.writes()):
            first.setdefault(name, at)
            last[name] = at
    last |= dict.fromkeys(program.outputs, len(program.operations))
    return {name: (first.get(name, 0), last.get(name, 0)) for name in program.values}


def stands(program: Graph, places: Mapping[str, int], given: str, name: str, begin: int, end: int) -> bool:
    """Whether ``name`` is there after operations ``begin`` to ``end``: given or written, and no other in its place.

    >>> from tabulae.program.ops.add import Add
    >>> from tabulae.program.value import Value
    >>> chain = tuple(Add(a, a, b) for a, b in zip("abcd", "bcde"))
    >>> program = Graph(chain, {name: Value(("positions", 8)) for name in "abcde"}, ("a",), ("e",), 4)
    >>> [stands(program, buffers(program), "a", name, 0, 2) for name in "abcd"]
    [False, True, True, False]
    """
    for op in reversed(program.operations[begin:end]):
        if name in op.writes():
            return True
        if places[name] in {places[other] for other in op.writes()}:
            return False
    return name == given
