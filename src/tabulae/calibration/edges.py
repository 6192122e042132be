"""Places where a factor per channel can move from one tensor to the next without changing the model.

Three kinds: a *norm*'s gain (and bias) and the columns of the linears behind it; the rows that write *values* and the
columns of the linears behind the attention, which adds values up channel by channel; and the rows that write *hidden*
units and the columns behind them, where these are multiplied by a gate or pass a ReLU.

>>> [(edge.kind, edge.consumers) for edge in edges(Draft.of(tabulae.open(model)))][1]
('values', ('model.layers.0.self_attn.o_proj.weight',))
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tabulae.arithmetic.arrays import Int64s
from tabulae.calibration.draft import Draft
from tabulae.calibration.flow import Flow
from tabulae.program.operation import Linear
from tabulae.program.passes import Carry, Kind

KINDS: tuple[Kind, ...] = ("norm", "values", "hidden")


@dataclass(frozen=True, eq=False)
class Edge:
    """A factor per channel on ``consumers``' columns is undone by its inverse on ``producers``' first axis."""

    kind: Kind
    producers: tuple[str, ...]  # gain and bias, or a linear's weight and bias: [channels, ...]
    consumers: tuple[str, ...]  # weights [rows, len(columns)]
    columns: Int64s  # the channel of every column of a consumer: query heads share those of their key-value head
    channels: int
    number: int  # of the operation between them


def edges(draft: Draft) -> tuple[Edge, ...]:
    """All edges of a program, in its order; those with tensors that other places use too are left out."""
    flow = Flow(draft.program)
    return tuple(edge for edge in _candidates(draft, flow) if all(map(flow.alone, (*edge.producers, *edge.consumers))))


def _candidates(draft: Draft, flow: Flow) -> Iterator[Edge]:
    for number, op in enumerate(draft.program.operations):
        carry = op.carries(draft.program.values)
        linears = carry and flow.linears_of((number, carry.out))
        producers = _producers(draft, flow, number, carry) if carry and linears else ()
        if carry and linears and producers:
            channels = int(carry.columns.max()) + 1
            yield Edge(carry.kind, producers, _weights(linears), carry.columns, channels, number)


def _producers(draft: Draft, flow: Flow, number: int, carry: Carry) -> tuple[str, ...]:
    """The tensors whose first axis are the channels, if one place alone makes them."""
    if carry.source is None:
        whole = draft.tensors.shape(carry.vectors[0])[0] == len(carry.columns)
        return carry.vectors if whole else ()
    writer = flow.linear_feeding(flow.reads[number][carry.source])
    return () if writer is None else writer.names("table", "vector")


def _weights(linears: tuple[Linear, ...]) -> tuple[str, ...]:
    return tuple(one.weight for one in linears)
