"""Operators that put numbers elsewhere: reshapes, transposes, pads, concatenations, splits."""

from math import prod

import numpy as np

from tabulae.nets.nodes.view import View
from tabulae.nets.readers.onnx_graph import Call, Constant, GraphSoFar, Tensor, reads
from tabulae.program.ops.take import Piece, strides


@reads("Identity", "Dropout")
def identity(call: Call, graph: GraphSoFar) -> None:
    """Nothing; a dropout trains and then does nothing."""
    call.must(len(call.inputs) < 3 or not call.inputs[2], "it must not train", "an input that says so")
    graph.put(call, graph.tensor(call))


@reads("Flatten")
def flatten(call: Call, graph: GraphSoFar) -> None:
    """All axes but that of the examples as one."""
    given = graph.tensor(call)
    axis = call.attributes.get("axis", 1)
    call.must(axis in (1, -len(given.shape)), "the axis must be 1, behind the examples", axis)
    graph.put(call, graph.reshaped(call, given, (prod(given.shape),)))


@reads("Reshape")
def reshape(call: Call, graph: GraphSoFar) -> None:
    """The first axis stays that of the examples."""
    given, wanted = graph.tensor(call), [int(n) for n in graph.required(call, 1).reshape(-1)]
    zero = not call.attributes.get("allowzero", 0)
    sizes = [given.shape[axis - 1] if n == 0 and zero and axis else n for axis, n in enumerate(wanted)]
    known = prod(n for n in sizes[1:] if n != -1)
    call.must(known > 0 and sizes[1:].count(-1) <= 1, "its shape must be whole numbers, at most one -1", wanted)
    if sizes[0] != -1 or -1 in sizes[1:]:
        call.must(sizes[0] in (0, 1, -1), "the first axis must stay that of the examples", wanted)
    else:
        call.must(known == prod(given.shape), "the first axis must stay that of the examples", wanted)
    shape = tuple(prod(given.shape) // known if n == -1 else n for n in sizes[1:])
    graph.put(call, graph.reshaped(call, given, shape))


@reads("Squeeze", "Unsqueeze")
def squeeze(call: Call, graph: GraphSoFar) -> None:
    """Axes of length 1 go or come."""
    given, axes = graph.tensor(call), _axes(call, graph)
    rank = len(given.shape) + 1
    if call.operator == "Squeeze":
        gone = {axis % rank for axis in axes} if axes else {i for i, n in enumerate((0, *given.shape)) if n == 1}
        must = "only axes of length 1 must go, not that of the examples"
        call.must(0 not in gone and all(given.shape[axis - 1] == 1 for axis in gone), must, sorted(gone))
        shape = tuple(n for axis, n in enumerate(given.shape, 1) if axis not in gone)
    else:
        new = {axis % (rank + len(axes)) for axis in axes}
        call.must(0 not in new, "no axis must come before that of the examples", sorted(new))
        left = iter(given.shape)
        shape = tuple(1 if axis in new else next(left) for axis in range(1, rank + len(axes)))
    graph.put(call, graph.reshaped(call, given, shape))


def _axes(call: Call, graph: GraphSoFar) -> list[int]:
    """An input since opset 13, an attribute before."""
    given = graph.constant(call, 1)
    return list(call.attributes.get("axes", ())) if given is None else [int(axis) for axis in given.reshape(-1)]


@reads("Transpose")
def transpose(call: Call, graph: GraphSoFar) -> None:
    """No number moves: another order of the same axes."""
    given = graph.tensor(call)
    rank = len(given.shape) + 1
    order = list(call.attributes.get("perm", range(rank)[::-1]))
    call.must(sorted(order) == list(range(rank)) and order[0] == 0, "the axis of the examples must stay first", order)
    moved = [axis - 1 for axis in order[1:]]  # axis i of what comes out is this axis of what goes in
    shape = tuple(given.shape[axis] for axis in moved)
    graph.put(call, Tensor(given.value, shape, tuple(moved.index(axis) for axis in given.order)))


@reads("Pad")
def pad(call: Call, graph: GraphSoFar) -> None:
    """Zeros, or another constant, round the axes but the first."""
    given = graph.as_onnx(call, graph.tensor(call))
    call.must(
        call.attributes.get("mode", b"constant") in (b"constant", "constant"), "its mode must be constant", "other"
    )
    call.must(len(call.inputs) < 4 or not call.inputs[3], "it must pad all axes", "axes of its own")
    pads = [int(n) for n in _first(graph.constant(call, 1), call.attributes.get("pads", ()))]
    rank = len(given.shape) + 1
    call.must(len(pads) == 2 * rank and min(pads) >= 0, f"it must have {2 * rank} pads, none negative", pads)
    call.must(pads[0] == pads[rank] == 0, "the axis of the examples must not be padded", pads)
    fill = float(_first(graph.constant(call, 2), (call.attributes.get("value", 0.0),))[0])
    call.must(fill == 0, "what it fills with must be 0", fill)
    before, after = pads[1:rank], pads[rank + 1 :]
    shape = tuple(n + a + b for n, a, b in zip(given.shape, before, after, strict=True))
    piece = Piece(given.value, 0, strides(given.shape), tuple(before), given.shape)
    graph.put(call, Tensor(graph.add(View(graph.fresh(call), (piece,), shape, fill)), shape, given.order))


def _first(given: Constant | None, otherwise: tuple[float, ...]) -> Constant:
    return np.asarray(otherwise) if given is None else given.reshape(-1)


@reads("Concat")
def concat(call: Call, graph: GraphSoFar) -> None:
    """One behind the other along an axis, all in the order of the first."""
    order = graph.tensor(call).order
    parts = [graph.ordered(call, graph.tensor(call, i), order) for i in range(len(call.inputs))]
    axis = call.attributes["axis"] % (len(order) + 1) - 1
    call.must(axis >= 0, "the axis must not be that of the examples", axis + 1)
    at, here, pieces = order.index(axis), list(parts[0].here), []
    here[at] = 0
    for part in parts:
        begin = tuple(here[at] if i == at else 0 for i in range(len(order)))
        pieces.append(Piece(part.value, 0, strides(part.here), begin, part.here))
        here[at] += part.here[at]
    shape = tuple(here[at] if i == axis else n for i, n in enumerate(parts[0].shape))
    graph.put(call, Tensor(graph.add(View(graph.fresh(call), tuple(pieces), tuple(here))), shape, order))


@reads("Split")
def split(call: Call, graph: GraphSoFar) -> None:
    """Parts of an axis."""
    given = graph.tensor(call)
    axis = call.attributes.get("axis", 0) % (len(given.shape) + 1) - 1
    call.must(axis >= 0, "the axis must not be that of the examples", axis + 1)
    n, parts = given.shape[axis], len(call.outputs)
    equal = [min(-(-n // parts), n - -(-n // parts) * i) for i in range(parts)]
    sizes = [int(one) for one in _first(graph.constant(call, 1), tuple(call.attributes.get("split", equal)))]
    call.must(len(sizes) == parts and sum(sizes) == n and min(sizes) > 0, f"its parts must fill {n}", sizes)
    steps, begin = strides(given.here), 0
    for index, size in enumerate(sizes):
        shape = tuple(size if i == axis else m for i, m in enumerate(given.shape))
        here = tuple(shape[i] for i in given.order)
        base = begin * steps[given.order.index(axis)]
        out = graph.add(View(graph.fresh(call, str(index)), (Piece(given.value, base, steps, size=here),), here))
        graph.put(call, Tensor(out, shape, given.order), index)
        begin += size
