"""Gemm, MatMul, Conv: weights that are constant."""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from tabulae.nets.nodes.affine import Affine
from tabulae.nets.nodes.view import View
from tabulae.nets.readers.onnx_graph import Call, GraphSoFar, Tensor, reads
from tabulae.nets.readers.onnx_windows import Windows, padded
from tabulae.nets.rounded import Rounded
from tabulae.program.ops.take import Piece, strides


class Exact(NamedTuple):
    """What a quantised model stores of a linear: its weights' integers, and its bias in units of the sums."""

    weights: Rounded | None
    start: np.ndarray | None


NONE = Exact(None, None)


def _exact(call: Call, graph: GraphSoFar, laid: Callable[[np.ndarray], np.ndarray]) -> Exact:
    """Where the weights are integers, and the bias, if there is one; ``laid``: as [groups, rows, columns]."""
    weight = graph.codes.get(call.inputs[1])
    bias = call.inputs[2] if len(call.inputs) > 2 and call.inputs[2] else None
    if weight is None:
        return NONE
    integers = laid(weight.integers)
    shape = tuple(-1 if axis == weight.axis else 1 for axis in range(weight.integers.ndim))
    scales = weight.scales.reshape(shape) if weight.axis is not None else weight.scales
    units = laid(np.broadcast_to(scales, weight.integers.shape))
    if (units != units[:, :, :1]).any():  # along the columns, which no sum can hold
        return NONE
    low, high = int(integers.min()), int(integers.max())
    if high - low >= 1 << 16 or not (weight.scales > 0).all():
        return NONE
    rounded = Rounded(integers - low, np.arange(low, high + 1), units[:, :, 0].reshape(-1).astype(np.float64))
    return Exact(rounded, graph.codes[bias].integers.reshape(-1) if bias and bias in graph.codes else None)


@reads("Gemm")
def gemm(call: Call, graph: GraphSoFar) -> None:
    """``alpha A B + beta C``, A of the examples."""
    given, weight, bias = graph.tensor(call), graph.required(call, 1), graph.constant(call, 2)
    call.must(not call.attributes.get("transA", 0), "its first input must not be transposed", "transA = 1")
    matrix = weight.astype(np.float64) * call.attributes.get("alpha", 1.0)
    matrix = matrix if call.attributes.get("transB", 0) else matrix.T
    beta = call.attributes.get("beta", 1.0)
    rows = bias is None or bias.ndim <= 1 or bias.shape[0] == 1
    call.must(rows, "its constant must be one number or one for each column", [] if bias is None else list(bias.shape))
    flat = None if bias is None else np.broadcast_to(bias.reshape(-1) * beta, len(matrix)).astype(np.float64)
    plain = call.attributes.get("alpha", 1.0) == beta == 1.0
    codes = _exact(call, graph, lambda w: (w if call.attributes.get("transB", 0) else w.T)[None]) if plain else NONE
    _affine(call, graph, given, matrix[None], flat, codes)


@reads("MatMul")
def matmul(call: Call, graph: GraphSoFar) -> None:
    """Behind it a constant matrix."""
    weight = graph.required(call, 1)
    call.must(weight.ndim == 2, "the constant must be a matrix", list(weight.shape))
    codes = _exact(call, graph, lambda w: w.T[None])
    _affine(call, graph, graph.tensor(call), weight.astype(np.float64).T[None], None, codes)


def _affine(
    call: Call,
    graph: GraphSoFar,
    given: Tensor,
    weight: np.ndarray,
    bias: np.ndarray | None,
    exact: Exact,
) -> None:
    """On the last axis that ONNX has."""
    given = graph.as_onnx(call, given)
    columns = weight.shape[2]
    call.must(given.shape[-1:] == (columns,), f"its input must have {columns} columns", list(given.shape))
    out = graph.add(Affine(graph.fresh(call), given.value, weight, bias, exact.weights, exact.start))
    graph.put(call, Tensor(out, (*given.shape[:-1], weight.shape[1]), given.order))


@reads("Conv")
def conv(call: Call, graph: GraphSoFar) -> None:
    """1-d and 2-d, with groups, strides, dilations and pads."""
    weight, bias, groups = graph.required(call, 1), graph.constant(call, 2), call.attributes.get("group", 1)
    given = graph.channels_last(call, graph.tensor(call))
    rows, channels, *kernel = weight.shape
    call.must(len(kernel) in (1, 2), "its kernel must have one axis or two", kernel)
    fits = given.shape[0] == channels * groups and rows % groups == 0
    call.must(fits, f"its input must have {channels * groups} channels in {groups} groups", list(given.shape))
    windows = Windows.of(call, given.here[:-1], tuple(kernel))
    value = padded(call, graph, given, windows, 0.0)
    seen = _patches(call, graph, value, windows, groups, channels)
    order = (0, *range(2, len(kernel) + 2), 1)  # taps before channels

    def laid(w: np.ndarray) -> np.ndarray:
        return w.transpose(order).reshape(groups, rows // groups, -1)

    exact, flat = _exact(call, graph, laid), laid(weight).astype(np.float64)
    bias = None if bias is None else bias.astype(np.float64)
    out = graph.add(Affine(graph.fresh(call), seen, flat, bias, exact.weights, exact.start))
    graph.put(call, Tensor(out, (rows, *windows.places), (*range(1, len(kernel) + 1), 0)))


def _patches(call: Call, graph: GraphSoFar, value: str, windows: Windows, groups: int, channels: int) -> str:
    """What every place sees, [places, groups * taps * channels of a group]; where that is the value itself, no view."""
    taps = prod(windows.kernel)
    if taps == 1 and set(windows.strides) == {1}:
        return value
    all_channels = groups * channels
    steps = strides((*windows.extent, all_channels))
    shape = (*windows.places, groups, taps * channels)
    pieces = []
    for tap, base in enumerate(windows.taps(all_channels)):
        begin = (*(0,) * (len(windows.places) + 1), tap * channels)
        moves = (*(n * stride for n, stride in zip(steps, windows.strides, strict=False)), channels, 1)
        pieces.append(Piece(value, base, moves, begin, (*windows.places, groups, channels)))
    if groups == 1:
        pieces = [Piece(p.input, p.base, _without(p.strides), _without(p.begin), _without(p.size)) for p in pieces]
        return graph.add(View(graph.fresh(call, "seen"), tuple(pieces), _without(shape)))
    apart = graph.add(View(graph.fresh(call, "groups"), tuple(pieces), shape))
    flat = (*windows.places, groups * taps * channels)
    return graph.add(View(graph.fresh(call, "seen"), (Piece(apart, 0, strides(flat)),), flat))


def _without(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the axis before the last, that of the groups."""
    return (*shape[:-2], shape[-1])
