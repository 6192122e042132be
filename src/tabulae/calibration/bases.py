"""Which tensors share a basis: what must be rotated together for the model to stay the same.

Every value of a program, and every side of every matrix, gets a class; operations that do not care for the basis join
classes, operations that look at single columns forbid a rotation of theirs. So a rotation of the residual stream is one
rotation for every tensor side in its class, and lawful just if nothing forbids it.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabulae.calibration.draft import Draft
from tabulae.calibration.flow import Flow
from tabulae.program.consistency import buffers_of
from tabulae.program.operations import (
    Add,
    AnyOperation,
    Attention,
    Embed,
    EmbedPosition,
    LayerNorm,
    Project,
    RMSNorm,
    Select,
)

Side = tuple[str, Literal["rows", "columns"]]  # of a matrix; a vector has rows alone


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
        if by_order and isinstance(op, RMSNorm | LayerNorm) and _is_whole(draft, op):
            _join_norm(classes, flow, number, op)
        else:
            _join(classes, draft, flow, number, op)
    classes.forbid(flow.logits, "the logits are the result")
    number, add = next((i, op) for i, op in enumerate(draft.program.operations) if isinstance(op, Add))
    root = classes.root((number, add.out))
    sides = tuple(node for node in classes.members(root) if node[1] in ("rows", "columns"))
    return Basis(draft.program.buffers[add.out], sides, classes.obstacles.get(root, ""))  # type: ignore[arg-type]


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


def _join(classes: _Classes, draft: Draft, flow: Flow, number: int, op: AnyOperation) -> None:
    reads = list(flow.reads[number].values())
    match op:
        case Embed():
            classes.join((number, op.out), (op.weight, "columns"))
        case EmbedPosition():
            classes.join(*reads, (number, op.buffer), (op.weight, "columns"))
        case Add() | Select():
            classes.join(*reads, (number, op.out))
        case Project():
            for one in op.linears:
                classes.join(*reads, (one.weight, "columns"))
                classes.join((number, one.out), (one.weight, "rows"))
                if one.bias is not None:
                    classes.join((number, one.out), (one.bias, "rows"))
        case RMSNorm() if _is_plain(draft, op):
            classes.join(*reads, (number, op.out))
        case _:
            why = _why(op)
            for node in (*reads, *((number, name) for name in buffers_of(op)[1])):
                classes.forbid(node, why)


def _join_norm(classes: _Classes, flow: Flow, number: int, op: RMSNorm | LayerNorm) -> None:
    bias = op.bias if isinstance(op, LayerNorm) else None
    vectors: list[Node] = [(name, "rows") for name in (op.weight, bias) if name is not None]
    classes.join(*flow.reads[number].values(), (number, op.out), *vectors)


def _is_whole(draft: Draft, norm: RMSNorm | LayerNorm) -> bool:
    return draft.tensors.shape(norm.weight)[0] == draft.program.buffers[norm.input]


def _is_plain(draft: Draft, norm: RMSNorm) -> bool:
    """Whether it divides by the RMS of the whole width, and that is all."""
    return _is_whole(draft, norm) and bool(np.all(draft.tensors[norm.weight] == 1))


def _why(op: AnyOperation) -> str:
    match op:
        case RMSNorm():
            return f"{op.weight} has gains of its own"
        case LayerNorm():
            return f"{op.weight} belongs to a layer norm, which subtracts the mean"
        case Attention():
            return f"the attention of layer {op.layer} has heads"
        case _:
            return f"{op.__struct_config__.tag} looks at single columns"
