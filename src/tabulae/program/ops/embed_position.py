"""Learned positions."""

from collections.abc import Iterator

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import InOut, Operation, Shape, Table
from tabulae.program.passes import Bases


class EmbedPosition(Operation, frozen=True, tag="embed_position"):
    """``buffer[p] += weight[position[p] + offset]`` (OPT: offset 2)."""

    weight: Table  # [positions + offset, width]
    buffer: InOut
    offset: int = 0

    def check(self, at: Check) -> None:
        at.all_positions(self)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        yield self.weight, (at.context + self.offset, at.width(self.buffer))

    def run(self, at: Env) -> None:
        at.values[self.buffer] = at.values[self.buffer] + at.rows(self.weight, at.positions + self.offset)

    def bases(self, at: Bases) -> None:
        at.join([self.buffer], (self.weight, "columns"))
