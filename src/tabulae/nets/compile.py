"""From a trained net and data to a net of integers."""

from collections.abc import Mapping

import numpy as np

from tabulae.nets.builder import Built
from tabulae.nets.carried import Carried
from tabulae.nets.folding import folded
from tabulae.nets.levels import Levels, fit, plain
from tabulae.nets.lowering import Choices, Lowering
from tabulae.nets.node import Floats
from tabulae.nets.nodes.quantised import Quantised
from tabulae.nets.trained_net import TrainedNet
from tabulae.program.net import Reading
from tabulae.program.ops.reduce import Reduce

ANSWER = "answer"  # the value that says which output is the largest


def compile(net: TrainedNet, data: Mapping[str, Floats], choices: Choices | None = None) -> Built:
    """The net in integers; grids and importances are of ``data``, name -> examples [n, ...].

    Its outputs are those of the trained net, as integers of a unit, and ``answer`` where it has labels.
    """
    net = folded(net)
    at = Lowering(net.run(data), choices or Choices(), net.last())
    for name, shape in net.inputs.items():
        at.carried[name] = _input(at, name, shape, _own(net, name))
    for node in net.nodes:
        node.lower(at)
    outputs = [at.given(name) for name in net.outputs]
    if net.labels:
        shape = at.builder.values[outputs[0]].static
        outputs.append(at.builder.add(Reduce(outputs[0], ANSWER, "argmax", len(shape) - 1), shape[:-1] or (1,)))
    return at.builder.built(outputs, net.labels or ())


def _own(net: TrainedNet, name: str) -> Levels | None:
    """The grid of an input that a quantised model has for it."""
    readers = [node for node in net.nodes if name in node.reads()]
    grids = [node.levels for node in readers if isinstance(node, Quantised)]
    same = len(grids) == len(readers) > 0 and all(grids[0].same(other) for other in grids)
    return grids[0] if same else None


def _input(at: Lowering, name: str, shape: tuple[int, ...], own: Levels | None) -> Carried:
    """Small whole numbers as they are; others in even steps from the least to the largest of the data."""
    x, count = np.asarray(at.samples[name], np.float64), 2**at.choices.input_bits
    if own is None and (x == np.floor(x)).all() and x.min() >= 0 and x.max() < count:
        levels = Levels(1.0, 0.0, 0, int(x.max()) + 1)
        return Carried.codes(at.builder.input(name, shape, 0, levels.count - 1), levels)
    if own is not None:
        levels, offset = own, 0.5 - own.first
    elif len(shape) > 1:  # an image, or a series: one grid for all of it, which holds 0
        levels = fit(np.array([x.min(), x.max()]), count)
        offset = 0.5 - levels.first
    else:
        low, high = x.min(axis=0), x.max(axis=0)
        levels = Levels(np.where(high > low, high - low, 1.0) / (count - 1), low, 0, count)
        offset = 0.5 - low / levels.unit
    reading = Reading(plain(1 / np.float64(levels.unit)), plain(offset))
    return Carried.codes(at.builder.input(name, shape, 0, levels.count - 1, reading), levels)
