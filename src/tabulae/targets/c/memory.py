"""What lies in memory between steps: one arena, with a part for every width.

C allows no integer of one width where one of another was declared, so these never share a place.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tabulae.targets.arena import Block, arena
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import WIDTHS, Bits, width
from tabulae.targets.c.walk import at
from tabulae.targets.steps import Step
from tabulae.targets.views import View

PARTS: dict[Bits, tuple[str, str]] = {8: ("bytes", "uint8_t"), 16: ("halves", "int16_t"), 32: ("words", "int32_t")}
ELEMENTWISE = {"encode", "lookup", "shift_add"}  # they read an element before they write the one in its place


class Memory(NamedTuple):
    """Lines that declare it, lines that say where everything lies, and its bytes."""

    declared: list[str]
    placed: list[str]
    size: int


def memory(steps: Sequence[Step], source: Source) -> Memory:
    """Places for all values but those of the caller, and for what steps need for themselves."""
    kinds, blocks = _values(steps, source)
    kinds |= {one.name: one.kind for one in source.scratch}
    places = {name: name for name in kinds} | _in_place(steps, source, blocks)
    blocks |= {one.name: Block(one.name, one.size, one.step, one.step) for one in source.scratch}
    found = {bits: arena(b for b in blocks.values() if width(kinds[b.name]) == bits) for bits in WIDTHS}
    declared = [f"    {PARTS[bits][1]} {PARTS[bits][0]}[{one.size}];" for bits, one in found.items() if one.size]
    placed = [_place(name, kind, found[width(kind)].places[places[name]]) for name, kind in kinds.items()]
    size = sum(one.size * bits // 8 for bits, one in found.items())
    return Memory(["static struct {", *declared, "} arena;"] if declared else [], placed, size)


def _place(name: str, kind: str, place: int) -> str:
    part, base = PARTS[width(kind)]
    begin = at(f"arena.{part}", place)
    cast = "" if kind == base else f"({kind} *)"
    return f"{kind} *const {name} = {cast}{f'({begin})' if cast and '+' in begin else begin};"


def _values(steps: Sequence[Step], source: Source) -> tuple[dict[str, str], dict[str, Block]]:
    """Types and blocks of what is stored between steps, by identifiers."""
    kinds, blocks = dict[str, str](), dict[str, Block]()
    for number, step in enumerate(steps):
        if step.out not in source.program.outputs:
            last = max((n for n, other in enumerate(steps) if step.out in other.reads()), default=number)
            name = source.names[step.out]
            kinds[name] = source.kind(step.out)
            blocks[name] = Block(name, source.program.values[step.out].width, number, last)
    return kinds, blocks


def _in_place(steps: Sequence[Step], source: Source, blocks: dict[str, Block]) -> dict[str, str]:
    """What stands where the value stood that it is made of, element by element: its block is joined to that one."""
    joined = dict[str, str]()
    for number, step in enumerate(steps):
        out = blocks.get(source.names[step.out])
        if step.op.tag not in ELEMENTWISE or out is None:
            continue
        for seen in step.views.values():
            name = source.names[seen.value]
            given = blocks.get(joined.get(name, name))
            alike = width(source.kind(seen.value)) == width(source.kind(step.out))
            if given and alike and given.last == number and given.size == out.size and _alone(seen, step):
                joined[out.name] = given.name
                blocks[given.name] = given._replace(last=out.last)
                del blocks[out.name]
                break
    return joined


def _alone(seen: View, step: Step) -> bool:
    """Whether a value is read in order, and in no other way besides."""
    return seen.base == 0 and all(view.is_whole() for view in step.views.values() if view.value == seen.value)
