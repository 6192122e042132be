"""Factors and shifts of channels go into the weights before them: batch norms, scalings. Nothing else changes.

Weights are rounded afterwards, each row with a scale of its own, so a factor costs nothing there; and none is left that
turns a channel round, which thresholds alone could not say.
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from tabulae.nets.node import Node
from tabulae.nets.nodes.affine import Affine
from tabulae.nets.nodes.function import Scale
from tabulae.nets.trained_net import TrainedNet


def needed(net: TrainedNet) -> TrainedNet:
    """Without nodes that no output needs."""
    wanted, nodes = set(net.outputs), list[Node]()
    for node in reversed(net.nodes):
        if node.out in wanted:
            wanted.update(node.reads())
            nodes.append(node)
    return replace(net, nodes=tuple(reversed(nodes)))


def folded(net: TrainedNet) -> TrainedNet:
    """The same net; every scaling that alone reads a linear is one with it."""
    readers = Counter(name for node in net.nodes for name in node.reads())
    readers.update(net.outputs)
    nodes: dict[str, Node] = {}
    for node in net.nodes:
        before = nodes.get(node.input) if isinstance(node, Scale) else None
        if isinstance(node, Scale) and isinstance(before, Affine) and before.exact is None and readers[before.out] == 1:
            del nodes[before.out]
            nodes[node.out] = _scaled(before, node)
        else:
            nodes[node.out] = node
    return replace(net, nodes=tuple(nodes.values()))


def _scaled(affine: Affine, by: Scale) -> Affine:
    g, r, _ = affine.weight.shape
    scale, shift = (np.broadcast_to(part, g * r) for part in (by.scale, by.shift))
    bias = shift if affine.bias is None else affine.bias * scale + shift
    return Affine(by.out, affine.input, affine.weight * scale.reshape(g, r, 1), bias)
