"""The operations of a program, their shapes, and nothing that runs them.

A program is a straight list of operations on named float32 *buffers* ``[positions, width]``. It names
its weights by the canonical (Hugging Face) tensor names and never holds them, so one program serves
float weights and table weights alike. The meaning of every operation, to the last bit, is the
reference interpreter (``interpreter.py``); the native executor and all targets must give the same.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Int64s

Size = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]  # counts are int32 in every kernel and target
Rows = tuple[Annotated[int, msgspec.Meta(ge=0)], Size]  # begin, end
Positive = Annotated[float, msgspec.Meta(gt=0)]
Deal = Annotated[tuple[Size, ...], msgspec.Meta(max_length=4)]
Activation = Literal["silu", "gelu", "gelu_tanh", "relu"]


def first_row(rows: Rows | None) -> int:
    """Where a band begins; what is whole begins at 0."""
    return 0 if rows is None else rows[0]


class Operation(msgspec.Struct, frozen=True, tag_field="op", omit_defaults=True, forbid_unknown_fields=True):
    """Base of all operations; the class name in lower case is its tag in JSON."""


class Embed(Operation, frozen=True, tag="embed"):
    """``out[p] = weight[token[p]] * scale`` (no multiplication where scale is 1).

    A table may stand in *bands*, each a weight and an operation of its own, one after another in the order of rows.
    """

    weight: str  # [vocabulary, width], or [end - begin, width]
    out: str
    scale: float = 1.0
    rows: Rows | None = None  # of a band: the tokens it holds; only positions with these are written


class EmbedPosition(Operation, frozen=True, tag="embed_position"):
    """``buffer[p] += weight[position[p] + offset]``: learned positions (OPT: offset 2)."""

    weight: str  # [positions + offset, width]
    buffer: str
    offset: int = 0


class RMSNorm(Operation, frozen=True, tag="rms_norm"):
    """Each run of ``len(weight)`` columns: ``x / sqrt(mean(x^2) + eps) * weight`` (per head: q, k norms)."""

    weight: str
    input: str
    out: str
    eps: float


class LayerNorm(Operation, frozen=True, tag="layer_norm"):
    """``(x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias``."""

    weight: str
    bias: str | None
    input: str
    out: str
    eps: float


class Linear(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One linear of a :class:`Project`: ``out = input @ weight.T (+ bias)``.

    A linear may stand in *bands* of its rows, one after another, all with the bias of the whole.
    """

    weight: str  # [rows, cols]
    out: str
    bias: str | None = None
    rows: Rows | None = None  # of a band: the columns of ``out`` that it gives


class Project(Operation, frozen=True, tag="project"):
    """All linears of one input (q, k, v; gate, up): the input is rotated and encoded once for all."""

    input: str
    linears: tuple[Linear, ...]


class Rotary(Operation, frozen=True, tag="rotary"):
    """Rotate pairs ``(i, i + rotary/2)`` of every head in place; ``inv_freq [rotary/2]`` is a constant of the program.

    Which constant is chosen once, by the positions that the sequence has room for: what a position gives must not
    depend on how many came with it.
    """

    buffer: str
    inv_freq: str
    head: Size  # columns per head; the first 2 * len(inv_freq) of them turn
    scale: Positive = 1.0  # of cosines and sines
    long: str | None = None  # in place of inv_freq where there is room for more than ``original`` positions
    original: Size = 1

    def frequencies(self, context: int) -> str:
        """The name of the constant for a sequence with room for ``context`` positions."""
        return self.long if self.long is not None and context > self.original else self.inv_freq


class Attention(Operation, frozen=True, tag="attention"):
    """Causal grouped-query attention over the cache ``layer``; ``window`` counts the position itself."""

    q: str  # [heads * head]
    k: str  # [kv_heads * head]
    v: str
    out: str
    layer: int
    heads: Size
    kv_heads: Size
    head: Size
    scale: float
    window: Size | None = None
    slopes: str | None = None  # ALiBi: a stored float32 tensor [heads]


class Activate(Operation, frozen=True, tag="activate"):
    """``out = fn(input)``."""

    fn: Activation
    input: str
    out: str
    deal: Deal = ()  # as of a Gate


class Gate(Operation, frozen=True, tag="gate"):
    """``out = fn(gate) * up``: SwiGLU, GeGLU.

    With ``deal = (a, b, ..)``, whose product is the width, columns are reordered as they are written: those with the
    digits (.., b, a) are dealt to columns with the digits (a, b, ..), the first ``a`` of them to a different part each.
    """

    fn: Activation
    gate: str
    up: str
    out: str
    deal: Deal = ()


def dealt_ranks(deal: tuple[int, ...], width: int) -> Int64s:
    """Which rank stands in every column.

    >>> dealt_ranks((2, 3), 6)
    array([0, 2, 4, 1, 3, 5])
    """
    ranks = np.arange(width)
    return ranks.reshape(deal[::-1]).T.reshape(-1) if deal else ranks


class Add(Operation, frozen=True, tag="add"):
    """``out = a + b``."""

    a: str
    b: str
    out: str


class SoftCap(Operation, frozen=True, tag="soft_cap"):
    """``buffer = cap * tanh(buffer / cap)``: no value is larger than the cap (Gemma: logits)."""

    buffer: str
    cap: Positive


class Select(Operation, frozen=True, tag="select"):
    """Keep only the positions whose logits are wanted: what follows runs on those rows alone."""

    input: str
    out: str


AnyOperation = (
    Embed
    | EmbedPosition
    | RMSNorm
    | LayerNorm
    | Project
    | Rotary
    | Attention
    | Activate
    | Gate
    | Add
    | SoftCap
    | Select
)


class Program(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A decoder: ``operations`` over ``buffers`` (name -> width); the logits are what stands in ``logits``."""

    operations: tuple[AnyOperation, ...]
    buffers: dict[str, Size]
    logits: str
    vocabulary: Size
    context: Size  # the longest sequence that the model was trained for
    constants: dict[str, tuple[float, ...]] = {}  # stored float32 tensors the program brings itself: inv_freq, slopes

    def weights(self) -> tuple[str, ...]:
        """Names of all tensors that the program reads, in order of first use, each once (tied: one name)."""
        names: dict[str, None] = {}
        for operation in self.operations:
            for name in _reads(operation):
                if name is not None and name not in self.constants:
                    names[name] = None
        return tuple(names)

    def linears(self) -> tuple[str, ...]:
        """Weights of all linears, in order, each once."""
        found = (linear.weight for op in self.operations if isinstance(op, Project) for linear in op.linears)
        return tuple(dict.fromkeys(found))


def _reads(operation: AnyOperation) -> tuple[str | None, ...]:
    """The weights that one operation names."""
    match operation:
        case Embed() | EmbedPosition() | RMSNorm():
            return (operation.weight,)
        case LayerNorm():
            return (operation.weight, operation.bias)
        case Project():
            return tuple(name for linear in operation.linears for name in (linear.weight, linear.bias))
        case Rotary():
            return (operation.inv_freq, operation.long)
        case Attention():
            return (operation.slopes,)
        case _:
            return ()
