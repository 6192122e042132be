"""Pools: the largest or the mean of windows, or of all places."""

from math import prod

import numpy as np

from tabulae.nets.nodes.fold import Fold, How
from tabulae.nets.nodes.function import Places
from tabulae.nets.nodes.view import View
from tabulae.nets.readers.onnx_graph import Call, GraphSoFar, Tensor, reads
from tabulae.nets.readers.onnx_windows import Windows, padded
from tabulae.program.ops.take import Piece, strides

REDUCED: dict[str, How] = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max"}


@reads("MaxPool", "AveragePool")
def pool(call: Call, graph: GraphSoFar) -> None:
    """Of windows; a mean counts pads or not, as ``count_include_pad`` says."""
    call.must(len(call.outputs) == 1, "its only output must be the pooled values", list(call.outputs))
    given = graph.channels_last(call, graph.tensor(call))
    windows = Windows.of(call, given.here[:-1], tuple(call.attributes["kernel_shape"]))
    largest, channels = call.operator == "MaxPool", given.here[-1]
    value = padded(call, graph, given, windows, -np.inf if largest else 0.0)
    steps = strides((*windows.extent, channels))
    moves = (*(n * stride for n, stride in zip(steps, windows.strides, strict=False)), 0, 1)
    shape = (*windows.places, prod(windows.kernel), channels)
    boxes = tuple(
        Piece(value, base, moves, (*(0,) * len(windows.places), tap, 0), (*windows.places, 1, channels))
        for tap, base in enumerate(windows.taps(channels))
    )
    seen = graph.add(View(graph.fresh(call, "seen"), boxes, shape))
    axis = len(windows.places)
    counts = None if largest else _counts(call, given.here[:-1], windows)
    how: How = "max" if largest else "mean" if counts is None else "sum"
    out = graph.add(Fold(graph.fresh(call, "" if counts is None else "sums"), seen, how, axis))
    if counts is not None:
        out = graph.add(Places(graph.fresh(call), out, 1 / counts[..., None]))
    graph.put(call, Tensor(out, (channels, *windows.places), (*range(1, axis + 1), 0)))


def _counts(call: Call, image: tuple[int, ...], windows: Windows) -> np.ndarray | None:
    """Over how many numbers every window's mean goes [places], where these differ from all taps."""
    counted = bool(call.attributes.get("count_include_pad", 0))
    ones = np.zeros(windows.extent)
    inside = tuple(slice(b, b + n) for b, n in zip(windows.before, image, strict=True))
    ones[inside] = 1
    if counted:  # pads count, but not what only the last window of ceil_mode sees
        auto = call.attributes.get("auto_pad", "NOTSET") != "NOTSET"
        pads = (*windows.before, *windows.after) if auto else call.attributes.get("pads", (0,) * (2 * len(image)))
        ends = zip(image, windows.before, pads[len(image) :], strict=True)
        ones[tuple(slice(0, b + n + a) for n, b, a in ends)] = 1
    seen = np.zeros(windows.places)
    for tap in np.ndindex(*windows.kernel):
        where = zip(tap, windows.dilations, windows.strides, windows.places, strict=True)
        seen += ones[tuple(slice(t * d, t * d + s * (p - 1) + 1, s) for t, d, s, p in where)]
    return None if (seen == prod(windows.kernel)).all() else np.maximum(seen, 1)


@reads("GlobalAveragePool", "GlobalMaxPool")
def everywhere(call: Call, graph: GraphSoFar) -> None:
    """Of all places."""
    given = graph.channels_last(call, graph.tensor(call))
    places, channels = prod(given.here[:-1]), given.here[-1]
    flat = given.value
    if len(given.shape) > 2:
        flat = graph.add(View(graph.fresh(call, "flat"), (Piece(flat, 0, (channels, 1)),), (places, channels)))
    how: How = "mean" if call.operator == "GlobalAveragePool" else "max"
    out = graph.add(Fold(graph.fresh(call), flat, how, 0))
    ones = (1,) * (len(given.shape) - 1)
    graph.put(call, graph.reshaped(call, Tensor(out, (channels,), (0,)), (channels, *ones), "ones"))


@reads(*REDUCED)
def reduce(call: Call, graph: GraphSoFar) -> None:
    """Along some axes, one after the other."""
    given = graph.tensor(call)
    axes = graph.constant(call, 1)
    asked = call.attributes.get("axes", ()) if axes is None else axes.reshape(-1).tolist()
    call.must(len(asked) > 0, "it must say along which axes, not that of the examples", "none")
    gone = sorted({int(axis) % (len(given.shape) + 1) for axis in asked} or set(range(1, len(given.shape) + 1)))
    call.must(gone[0] != 0, "the axis of the examples must stay", gone)
    how: How = REDUCED[call.operator]
    value, order = given.value, list(given.order)
    for axis in gone:
        value = graph.add(Fold(graph.fresh(call, f"axis{axis}"), value, how, order.index(axis - 1)))
        order.remove(axis - 1)
    left = [axis for axis in range(len(given.shape)) if axis + 1 not in gone]
    shape = tuple(given.shape[axis] for axis in left) or (1,)
    tensor = Tensor(value, shape, tuple(left.index(axis) for axis in order) or (0,))
    if call.attributes.get("keepdims", 1):
        tensor = graph.reshaped(call, tensor, tuple(1 if i + 1 in gone else n for i, n in enumerate(given.shape)))
    graph.put(call, tensor)
