"""Hidden units sorted, loudest first, by what they give to the residual stream: a lossless permutation.

Unit i of a feed-forward layer adds ``h_i`` times its column of the linear behind: mean h_i^2 times the square of that
column is its share, and so what an error of the same relative size in its row of gate or up costs. In a trained network
few units give most, and once sorted these rows can have finer formats than the rest.

The columns of the linear behind must not be sorted: loud ones in one group share a scale, and lose by it. So the
operation between deals the units to groups as it writes them.

>>> trained = tabulae.open(model)
>>> behind = [f"model.layers.{layer}.mlp.down_proj.weight" for layer in (0, 1)]
>>> from tabulae.formats.input_statistics import of_squares
>>> inputs = of_squares({name: np.ones(trained.shape(name)[1], np.float32) for name in behind})
>>> draft = sort_hidden(Draft.of(trained, inputs), group=43)
>>> [op.deal for op in draft.program.operations if isinstance(op, Gate)]
[(2, 2, 43), (2, 2, 43)]
>>> columns = np.square(draft.tensors[behind[0]]).sum(0)
>>> int(columns.argmax()), sorted(columns[::43].argsort().tolist())  # the loudest is the first of the first group
(0, [0, 1, 2, 3])
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from tabulae.arithmetic.activations import BLOCK
from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.calibration.draft import Draft, Tensor
from tabulae.calibration.flow import Flow
from tabulae.calibration.order import begin
from tabulae.errors import UsageError
from tabulae.program.deal import dealt_ranks
from tabulae.program.operation import Linear
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.gate import Gate


@dataclass(frozen=True)
class Hidden:
    """Hidden units: what writes them, and the rows and the columns that are theirs."""

    number: int  # of the operation
    width: int
    makers: tuple[Linear, ...]
    readers: tuple[Linear, ...]


def hidden_layers(draft: Draft) -> Iterator[Hidden]:
    """Hidden units between linears alone, whose weights no other place uses."""
    flow = Flow(draft.program)
    for number, op in enumerate(draft.program.operations):
        if not isinstance(op, Gate | Activate):
            continue
        inputs = [flow.reads[number][name] for name in op.reads()]
        makers = tuple(one for value in inputs if (one := flow.linear_feeding(value)))
        readers = flow.linears_of((number, op.out)) or ()
        found = readers and len(makers) == len(inputs)
        if found and all(flow.alone(one.weight) for one in (*makers, *readers)):
            yield Hidden(number, draft.program.values[op.out].width, makers, readers)


def sort_hidden(draft: Draft, *, group: int = BLOCK) -> Draft:
    """Sort the units of every feed-forward layer, and deal them to groups of columns behind; statistics of inputs too.

    ``group``: the smallest of block formats. Pairs of groups get units from afar, too.

    Layers whose width is no multiple of ``group`` stay as they are, noted.

    :raises UsageError: the importance of a linear behind hidden units is not known
    """
    draft = begin(draft, "sort_hidden")
    tensors, inputs, operations = draft.tensors, dict(draft.inputs), list(draft.program.operations)
    for layer in hidden_layers(draft):
        if layer.width % group:
            draft = draft.noted(f"sort_hidden: {layer.width} units are no groups of {group}")
            continue
        order = np.argsort(-_loudness(draft, layer), kind="stable")
        deal = _deal(layer.width, group)
        columns = order[dealt_ranks(deal, layer.width)]
        tensors = tensors.changed(_moved(draft, layer, order, columns))
        inputs |= {one.weight: inputs[one.weight].taken(columns) for one in layer.readers}
        operations[layer.number] = msgspec.structs.replace(operations[layer.number], deal=deal)
    program = msgspec.structs.replace(draft.program, operations=tuple(operations))
    return replace(draft, program=program, tensors=tensors, inputs=inputs)


def _deal(width: int, group: int) -> tuple[int, ...]:
    hands = width // group
    return (hands, group) if hands % 2 else (hands // 2, 2, group)


def _loudness(draft: Draft, layer: Hidden) -> Float64s:
    unknown = [one.weight for one in layer.readers if one.weight not in draft.inputs]
    if unknown:
        raise UsageError("sort_hidden", f"the importance of {unknown[0]} must be known", "none", "measure it")
    loud: Float64s = np.sum([draft.loudness(one.weight) for one in layer.readers], axis=0)
    return loud


def _moved(draft: Draft, layer: Hidden, rows: Int64s, columns: Int64s) -> dict[str, Tensor]:
    tensor = draft.tensors.tensor
    changes = {one.weight: tensor(one.weight).then(lambda w: w[:, columns]) for one in layer.readers}
    for name in (name for one in layer.makers for name in (one.weight, one.bias) if name is not None):
        changes[name] = tensor(name).then(lambda w: w[rows])
    return changes
