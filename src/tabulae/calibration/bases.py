"""Which tensors share a basis: what must be rotated together for the model to stay the same.

Every value of a program, and every side of every matrix, gets a class; operations that do not care for the basis join
classes, operations that look at single columns forbid a rotation of theirs. So a rotation of the residual stream is one
rotation for every tensor side in its class, and lawful just if nothing forbids it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tabulae.calibration.draft import Draft
from tabulae.calibration.flow import Flow
from tabulae.program.ops.add import Add
from tabulae.program.passes import Side


@dataclass(frozen=True)
class Basis:
    """The tensor sides that share the residual stream's basis."""

    width: int
    sides: tuple[Side, ...]
    obstacle: str  # why they cannot be rotated; empty if they can


def residual_basis(draft: Draft, *, by_order: bool = False) -> Basis:
    """The basis of what the first addition of the program gives.

    ``by_order``: what must be permuted together. Norms over the whole width allow that, with their gains.
    """
    flow, classes = Flow(draft.program), _Classes()
    for number, op in enumerate(draft.program.operations):
        op.bases(_Place(classes, draft, flow, number, by_order))
    classes.forbid(flow.logits, "the logits are the result")
    number, add = next((i, op) for i, op in enumerate(draft.program.operations) if isinstance(op, Add))
    root = classes.root((number, add.out))
    sides = tuple(node for node in classes.members(root) if node[1] in ("rows", "columns"))
    return Basis(draft.program.values[add.out].width, sides, classes.obstacles.get(root, ""))  # type: ignore[arg-type]


Node = tuple[int | str, str]  # a value, or a side of a tensor


class _Classes:
    """Union and find, with the first reason why a class must stay."""

    def __init__(self) -> None:
        self._parents: dict[Node, Node] = {}
        self.obstacles: dict[Node, str] = {}

    def root(self, node: Node) -> Node:
        while self._parents.setdefault(node, node) != node:
            node = self._parents[node]
        return node

    def join(self, *nodes: Node) -> None:
        first, *others = (self.root(node) for node in nodes)
        for other in others:
            if other != first:
                self._parents[other] = first
                if other in self.obstacles:
                    self.obstacles.setdefault(first, self.obstacles[other])

    def forbid(self, node: Node, why: str) -> None:
        self.obstacles.setdefault(self.root(node), why)

    def members(self, root: Node) -> list[Node]:
        found = defaultdict(list)
        for node in self._parents:
            found[self.root(node)].append(node)
        return found[root]


@dataclass(frozen=True)
class _Place:
    """One operation, as it speaks of its own values (``program.passes.Bases``)."""

    classes: _Classes
    draft: Draft
    flow: Flow
    number: int
    by_order: bool

    def join(self, values: Iterable[str], *sides: Side) -> None:
        self.classes.join(*(node for name in values for node in self._nodes(name)), *sides)

    def forbid(self, why: str) -> None:
        op = self.draft.program.operations[self.number]
        for name in (*op.reads(), *op.writes()):
            for node in self._nodes(name):
                self.classes.forbid(node, why)

    def is_whole(self, vector: str, value: str) -> bool:
        return self.draft.tensors.shape(vector)[0] == self.draft.program.values[value].width

    def is_ones(self, vector: str) -> bool:
        return bool(np.all(self.draft.tensors[vector] == 1))

    def _nodes(self, name: str) -> Iterator[Node]:
        """What the operation reads under a name, and what it writes."""
        if name in self.flow.reads[self.number]:
            yield self.flow.reads[self.number][name]
        if name in self.draft.program.operations[self.number].writes():
            yield self.number, name
