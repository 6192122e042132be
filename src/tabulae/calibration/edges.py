"""Places where a factor per channel can move from one tensor to the next without changing the model.

Three kinds: a *norm*'s gain (and bias) and the columns of the linears behind it; the rows that write *values* and the
columns of the linears behind the attention, which adds values up channel by channel; and the rows that write *hidden*
units and the columns behind them, where these are multiplied by a gate or pass a ReLU.

>>> [(edge.kind, edge.consumers) for edge in edges(Draft.of(tabulae.open(model)))][1]
('values', ('model.layers.0.self_attn.o_proj.weight',))
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.calibration.draft import Draft
from tabulae.calibration.flow import Flow, Value
from tabulae.program.operations import Activate, Attention, Gate, LayerNorm, Linear, RMSNorm, dealt_ranks

Kind = Literal["norm", "values", "hidden"]
KINDS: tuple[Kind, ...] = ("norm", "values", "hidden")


@dataclass(frozen=True, eq=False)
class Edge:
    """A factor per channel on ``consumers``' columns is undone by its inverse on ``producers``' first axis."""

    kind: Kind
    producers: tuple[str, ...]  # gain and bias, or a linear's weight and bias: [channels, ...]
    consumers: tuple[str, ...]  # weights [rows, len(columns)]
    columns: Int64s  # the channel of every column of a consumer: query heads share those of their key-value head
    channels: int
    layer: int = -1  # of the attention, for values


def edges(draft: Draft) -> tuple[Edge, ...]:
    """All edges of a program, in its order; those with tensors that other places use too are left out."""
    flow = Flow(draft.program)
    return tuple(edge for edge in _candidates(draft, flow) if all(map(flow.alone, (*edge.producers, *edge.consumers))))


def _candidates(draft: Draft, flow: Flow) -> Iterator[Edge]:
    width = draft.program.buffers
    for number, op in enumerate(draft.program.operations):
        match op:
            case RMSNorm() | LayerNorm():
                names = (op.weight, op.bias) if isinstance(op, LayerNorm) and op.bias else (op.weight,)
                linears = flow.linears_of((number, op.out))
                if linears and draft.tensors.shape(op.weight)[0] == width[op.input]:
                    yield Edge("norm", names, _weights(linears), np.arange(width[op.input]), width[op.input])
            case Attention():
                heads = np.arange(op.kv_heads * op.head).reshape(op.kv_heads, 1, op.head)
                columns = np.repeat(heads, op.heads // op.kv_heads, axis=1).reshape(-1)
                yield from _behind("values", flow, flow.reads[number][op.v], (number, op.out), columns, op.layer)
            case Gate():
                columns = dealt_ranks(op.deal, width[op.up])
                yield from _behind("hidden", flow, flow.reads[number][op.up], (number, op.out), columns)
            case Activate(fn="relu"):
                columns = dealt_ranks(op.deal, width[op.input])
                yield from _behind("hidden", flow, flow.reads[number][op.input], (number, op.out), columns)


def _behind(kind: Kind, flow: Flow, value: Value, out: Value, columns: Int64s, layer: int = -1) -> Iterator[Edge]:
    """The edge over one operation, from what writes ``value`` to what reads ``out``, if both are linears alone."""
    writer, linears = flow.linear_feeding(value), flow.linears_of(out)
    if writer is not None and linears is not None:
        names = (writer.weight,) if writer.bias is None else (writer.weight, writer.bias)
        yield Edge(kind, names, _weights(linears), columns, int(columns.max()) + 1, layer)


def _weights(linears: tuple[Linear, ...]) -> tuple[str, ...]:
    return tuple(one.weight for one in linears)
