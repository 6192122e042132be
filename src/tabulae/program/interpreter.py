"""The reference interpreter: the meaning of every operation, in plain NumPy, slow and obvious.

Every float operation is float32, rounded once, in the order written here; sums go in 16 lanes and a tree
(:func:`lanes_sum`). Kernels and targets must give these bits, whatever their threads and vector widths.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from tabulae.arithmetic.activation_functions import FUNCTIONS
from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.arithmetic.linear import apply, float_linear
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.polynomials import cos, sin, tanh
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.errors import ModelError, UsageError
from tabulae.program.attention import Cache, attend
from tabulae.program.consistency import check_program
from tabulae.program.operations import (
    Activate,
    Add,
    AnyOperation,
    Attention,
    Embed,
    EmbedPosition,
    Gate,
    LayerNorm,
    Program,
    Project,
    RMSNorm,
    Rotary,
    Select,
    SoftCap,
    dealt_ranks,
    first_row,
)
from tabulae.program.shapes import check_shapes

Weight = TableMatrix | Float32s


class Interpreter:
    """A program with its weights and the cache of one sequence.

    A linear with float weights runs in float32, one with a :class:`TableMatrix` through activation codes.
    ``context`` is what the sequence has room for, by default what the model was trained for.

    :raises ModelError: a weight is missing, of the wrong shape, or an embedding is rotated
    """

    def __init__(self, program: Program, weights: Mapping[str, Weight], context: int | None = None) -> None:
        check_program(program)
        check_shapes(program, {name: _shape(name, weight) for name, weight in weights.items()})
        _no_rotated_rows(program, weights)
        self.program = program
        self.context = program.context if context is None else context
        self.weights = weights
        self.constants = {name: np.array(values, np.float32) for name, values in program.constants.items()}
        self.caches: dict[int, Cache] = {}
        self.length = 0  # positions in the caches

    def logits(self, tokens: Sequence[int], start: int = 0, wanted: Literal["all", "last"] = "last") -> Float32s:
        """Logits of ``tokens`` at positions ``start``.. , float32 [len(tokens) or 1, vocabulary].

        What the cache holds before ``start`` is the context, so a prompt may come in pieces; the rest is forgotten.

        :raises UsageError: no tokens, an unknown one, a gap behind the cache, or more than the context holds
        """
        self._check(tokens, start)
        rows = slice(None) if wanted == "all" else slice(-1, None)
        ids, positions = np.array(tokens, np.int64), np.arange(start, start + len(tokens))
        buffers: dict[str, Float32s] = {}
        for op in self.program.operations:
            self._run(op, buffers, ids, positions, rows)
        self.length = start + len(tokens)
        return buffers[self.program.logits]

    def _run(self, op: AnyOperation, buffers: dict[str, Float32s], ids: Int64s, positions: Int64s, rows: slice) -> None:
        match op:
            case Embed():
                buffers[op.out] = self._embedded(op, ids, buffers.get(op.out))
            case EmbedPosition():
                buffers[op.buffer] = buffers[op.buffer] + self._rows(op.weight, positions + op.offset)
            case RMSNorm():
                buffers[op.out] = rms_norm(buffers[op.input], self._float(op.weight), op.eps)
            case LayerNorm():
                bias = None if op.bias is None else self._float(op.bias)
                buffers[op.out] = layer_norm(buffers[op.input], self._float(op.weight), bias, op.eps)
            case Project():
                x = buffers[op.input]
                for linear in op.linears:
                    band = slice(None) if linear.rows is None else slice(*linear.rows)
                    bias = None if linear.bias is None else self._float(linear.bias)[band]
                    y = project(self.weights[linear.weight], x, bias)
                    before = [buffers[linear.out]] if first_row(linear.rows) else []
                    buffers[linear.out] = np.concatenate([*before, y], axis=1)
            case Rotary():
                buffers[op.buffer] = rotary(
                    buffers[op.buffer], positions, self._float(op.frequencies(self.context)), op.head, op.scale
                )
            case Attention():
                cache = self.caches.setdefault(op.layer, Cache())
                cache.put(int(positions[0]), buffers[op.k], buffers[op.v])
                slopes = None if op.slopes is None else self._float(op.slopes)
                buffers[op.out] = attend(op, buffers[op.q], positions, cache, slopes)
            case Activate():
                buffers[op.out] = _dealt(FUNCTIONS[op.fn](buffers[op.input]), op.deal)
            case Gate():
                buffers[op.out] = _dealt(FUNCTIONS[op.fn](buffers[op.gate]) * buffers[op.up], op.deal)
            case Add():
                buffers[op.out] = buffers[op.a] + buffers[op.b]
            case SoftCap():
                buffers[op.buffer] = soft_cap(buffers[op.buffer], op.cap)
            case Select():
                buffers[op.out] = buffers[op.input][rows]

    def _embedded(self, op: Embed, ids: Int64s, before: Float32s | None) -> Float32s:
        """What stood in the buffer ``before``, with the rows of those tokens that the table holds."""
        begin, end = op.rows or (0, self.program.vocabulary)
        here = np.flatnonzero((begin <= ids) & (ids < end))
        out = np.zeros((len(ids), self.program.buffers[op.out]), np.float32) if before is None else before.copy()
        if len(here):
            x = self._rows(op.weight, ids[here] - begin)
            out[here] = x if op.scale == 1 else x * np.float32(op.scale)
        return out

    def _rows(self, name: str, indices: Int64s) -> Float32s:
        """Rows of a table: those of table weights are decoded, ``float32(m c + o) * scale``."""
        weight = self.weights[name]
        if isinstance(weight, TableMatrix):
            return np.stack([weight.row(int(i)) for i in indices])
        return weight[indices]

    def _float(self, name: str) -> Float32s:
        """A float vector: of the program itself, or a weight."""
        vector = self.constants[name] if name in self.constants else self.weights[name]
        if isinstance(vector, TableMatrix):
            raise ModelError(name, "norms and biases must be float32", "a table matrix")
        return vector

    def _check(self, tokens: Sequence[int], start: int) -> None:
        size, context = self.program.vocabulary, self.context
        if not tokens or not all(0 <= token < size for token in tokens):
            got = "none" if not tokens else next(token for token in tokens if not 0 <= token < size)
            raise UsageError("tokens", f"tokens must be numbers in 0..{size - 1}, at least one", got)
        if not 0 <= start <= self.length:
            raise UsageError("start", f"the position must lie in 0..{self.length}, so that no gap is left", start)
        if start + len(tokens) > context:
            raise UsageError("tokens", f"the context holds {context} positions", start + len(tokens), "shorten it")


def rms_norm(x: Float32s, weight: Float32s, eps: float) -> Float32s:
    """``(x / sqrt(sum(x x) / n + eps)) * weight`` for every run of ``n = len(weight)`` columns."""
    runs = x.reshape(len(x), -1, len(weight))
    mean = lanes_sum(runs * runs)[..., None] / np.float32(len(weight))
    y: Float32s = (runs / np.sqrt(mean + np.float32(eps))) * weight
    return y.reshape(x.shape)


def layer_norm(x: Float32s, weight: Float32s, bias: Float32s | None, eps: float) -> Float32s:
    """``(c / sqrt(sum(c c) / n + eps)) * weight (+ bias)`` with ``c = x - sum(x) / n``."""
    n = np.float32(len(weight))
    centred = x - lanes_sum(x)[:, None] / n
    variance = lanes_sum(centred * centred)[:, None] / n
    y: Float32s = (centred / np.sqrt(variance + np.float32(eps))) * weight
    return y if bias is None else y + bias


def project(weight: Weight, x: Float32s, bias: Float32s | None) -> Float32s:
    """``x @ weight.T (+ bias)``, by activation codes where the weight is a table matrix."""
    return apply(weight, x, bias) if isinstance(weight, TableMatrix) else float_linear(weight, x, bias)


def rotary(x: Float32s, positions: Int64s, inv_freq: Float32s, head: int, scale: float = 1.0) -> Float32s:
    """In every head ``(a, b) = x[i], x[i + half]`` becomes ``a cos - b sin, b cos + a sin``; the rest stays.

    Cosines and sines are multiplied by ``scale`` first.
    """
    angle = positions.astype(np.float32)[:, None] * inv_freq  # [n, half]
    c, s = (turn(angle)[:, None] * np.float32(scale) for turn in (cos, sin))
    half = len(inv_freq)
    heads = x.reshape(len(x), -1, head)
    a, b, rest = heads[..., :half], heads[..., half : 2 * half], heads[..., 2 * half :]
    return np.concatenate([a * c - b * s, b * c + a * s, rest], axis=2).reshape(x.shape)


def soft_cap(x: Float32s, cap: float) -> Float32s:
    """``cap * tanh(x / cap)``: a division, the tangent, a product."""
    return np.float32(cap) * tanh(x / np.float32(cap))


def _dealt(x: Float32s, deal: tuple[int, ...]) -> Float32s:
    return x[:, dealt_ranks(deal, x.shape[1])]


def _shape(name: str, weight: Weight) -> tuple[int, ...]:
    if isinstance(weight, TableMatrix):
        return weight.codes.shape
    if weight.dtype != np.float32:
        raise ModelError(name, "weights must be float32 or a table matrix", weight.dtype)
    return weight.shape


def _no_rotated_rows(program: Program, weights: Mapping[str, Weight]) -> None:
    """A row of a rotated matrix is no embedding: it would need the inverse rotation."""
    for op in program.operations:
        if isinstance(op, Embed | EmbedPosition):
            weight = weights[op.weight]
            if isinstance(weight, TableMatrix) and weight.rotation is not None:
                raise ModelError(op.weight, "an embedding must not be rotated", "a rotated table matrix")
