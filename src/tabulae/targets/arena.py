"""One memory for what is never needed at the same time: where every block of it begins."""

from collections.abc import Iterable
from typing import NamedTuple


class Block(NamedTuple):
    """So many elements that are needed from one step to another, both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: "Block") -> bool:
        """Whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


class Arena(NamedTuple):
    """Where blocks begin, and how large all of it is."""

    places: dict[str, int]
    size: int


def arena(blocks: Iterable[Block]) -> Arena:
    """The largest block first, each as low as it can stand.

    >>> arena([Block("a", 3, 0, 1), Block("b", 5, 1, 2), Block("c", 4, 2, 3)])
    Arena(places={'b': 0, 'c': 5, 'a': 5}, size=9)
    """
    placed: list[tuple[int, Block]] = []
    for block in sorted(blocks, key=lambda block: (-block.size, block.first, block.name)):
        at = 0
        for begin, other in sorted(placed):
            if block.meets(other) and begin < at + block.size and at < begin + other.size:
                at = begin + other.size
        placed.append((at, block))
    size = max((at + block.size for at, block in placed), default=0)
    return Arena({block.name: at for at, block in placed}, size)
