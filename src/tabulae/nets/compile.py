"""From a trained net and data to a net of integers."""

from collections.abc import Mapping

import numpy as np

from tabulae.nets.builder import Built
from tabulae.nets.carried import Carried
from tabulae.nets.data import check_examples
from tabulae.nets.folding import folded, needed
from tabulae.nets.levels import Levels, Numbers, fit, plain, spread
from tabulae.nets.lowering import Choices, Lowering
from tabulae.nets.node import Floats
from tabulae.nets.nodes.quantised import Quantised
from tabulae.nets.trained_net import TrainedNet
from tabulae.program.net import Reading
from tabulae.program.ops.reduce import Reduce

ANSWER = "answer"  # the value that says which output is the largest


def compile(net: TrainedNet, data: Mapping[str, Floats], choices: Choices | None = None) -> Built:
    """The net in integers; grids and importances are of ``data``, name -> examples [n, ...].

    Its outputs are those of the trained net, as integers that mean a line, and ``answer`` where it has labels.

    :raises UsageError: data of other names or shapes, none, or numbers that are none
    :raises ModelError: a node that cannot become integers, or sums that leave 32 bits
    """
    net = folded(needed(net))
    check_examples(data, net.inputs)
    at = Lowering(net.run(data), choices or Choices(), net.last())
    for name, shape in net.inputs.items():
        at.carried[name] = _input(at, name, shape, _own(net, name))
    for node in net.nodes:
        node.lower(at)
    compared = bool(net.labels)
    given = [at.given(name, compared=compared) for name in net.outputs]
    outputs, offsets = [one.value for one in given], _offsets(given)
    if net.labels:
        shape = at.builder.values[outputs[0]].static
        outputs.append(at.builder.add(Reduce(outputs[0], ANSWER, "argmax", len(shape) - 1), shape[:-1] or (1,)))
    return at.builder.built(outputs, net.labels or (), offsets)


def _offsets(outputs: list[Carried]) -> dict[str, float | tuple[float, ...]]:
    """What 0 of every output means, where it means anything but 0."""
    lines = ((one.value, one.line()) for one in outputs)
    return {value: plain(line[1]) for value, line in lines if line is not None and np.any(line[1])}


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
        whole = 2 ** max(1, int(x.max()).bit_length())  # data that are not here yet may be a little larger
        reading = Reading(1.0, 0.5)
        return Carried.codes(at.builder.input(name, shape, 0, whole - 1, reading), Levels(1.0, 0.0, 0, whole))
    offset: Numbers
    if own is not None:
        levels, offset = own, 0.5 - own.first
    elif len(shape) > 1:  # an image, or a series: one grid for all of it, which holds 0
        levels = fit(np.array([x.min(), x.max()]), count)
        offset = 0.5 - levels.first
    else:
        levels = spread(x, count)
        offset = 0.5 - levels.offset / np.float64(levels.unit)
    reading = Reading(plain(1 / np.float64(levels.unit)), plain(offset), even=own is not None)
    return Carried.codes(at.builder.input(name, shape, 0, levels.count - 1, reading), levels)
