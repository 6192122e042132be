"""What lies in memory between steps: one arena, with a part for every width.

C allows no integer of one width where one of another was declared, so these never share a place.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tabulae.targets.arena import Arena, Block, arena
from tabulae.targets.c.source import Scratch, Source
from tabulae.targets.c.types import WIDTHS, Bits, width
from tabulae.targets.c.walk import at
from tabulae.targets.steps import Step

PARTS: dict[Bits, tuple[str, str]] = {8: ("bytes", "uint8_t"), 16: ("halves", "int16_t"), 32: ("words", "int32_t")}


class Memory(NamedTuple):
    """Lines that declare it, lines that say where everything lies, and its bytes."""

    declared: list[str]
    placed: list[str]
    size: int


def memory(steps: Sequence[Step], source: Source) -> Memory:
    """Places for all values but those of the caller, and for what steps need for themselves."""
    kinds = {name: (kind, block) for kind, name, block in _blocks(steps, source)}
    found = {bits: arena(b for kind, b in kinds.values() if width(kind) == bits) for bits in WIDTHS}
    declared = [f"    {PARTS[bits][1]} {PARTS[bits][0]}[{one.size}];" for bits, one in found.items() if one.size]
    placed = [_place(name, kind, found[width(kind)]) for name, (kind, _) in kinds.items()]
    size = sum(one.size * bits // 8 for bits, one in found.items())
    return Memory(["static struct {", *declared, "} arena;"] if declared else [], placed, size)


def _place(name: str, kind: str, within: Arena) -> str:
    part, base = PARTS[width(kind)]
    begin = at(f"arena.{part}", within.places[name])
    cast = "" if kind == base else f"({kind} *)"
    return f"{kind} *const {name} = {cast}{f'({begin})' if cast and '+' in begin else begin};"


def _blocks(steps: Sequence[Step], source: Source) -> Iterator[tuple[str, str, Block]]:
    """Type, identifier, block."""
    given = {*source.program.inputs, *source.program.outputs}
    for number, step in enumerate(steps):
        if step.out not in given:
            last = max((n for n, other in enumerate(steps) if step.out in other.reads()), default=number)
            name = source.names[step.out]
            yield source.kind(step.out), name, Block(name, source.program.values[step.out].width, number, last)
    for one in source.scratch:
        yield one.kind, one.name, _own(one)


def _own(one: Scratch) -> Block:
    return Block(one.name, one.size, one.step, one.step)
