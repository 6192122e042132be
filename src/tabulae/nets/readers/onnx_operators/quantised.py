"""QuantizeLinear and DequantizeLinear: grids of the model's own, and weights that are integers already."""

import numpy as np

from tabulae.nets.levels import Levels
from tabulae.nets.nodes.quantised import Quantised
from tabulae.nets.readers.onnx_graph import Call, Codes, GraphSoFar, Tensor, reads


@reads("QuantizeLinear")
def quantise(call: Call, graph: GraphSoFar) -> None:
    """To a grid of one scale; what comes out are codes, which only DequantizeLinear and places may read."""
    given, levels = graph.tensor(call), _levels(call, graph)
    out = graph.add(Quantised(graph.fresh(call), given.value, levels))
    graph.grids[call.outputs[0]] = levels
    graph.put(call, Tensor(out, given.shape, given.order))


@reads("DequantizeLinear")
def dequantise(call: Call, graph: GraphSoFar) -> None:
    """Of codes nothing is left to do; of constants their codes are kept beside them."""
    if call.inputs[0] not in graph.constants:
        grid = graph.grids.get(call.inputs[0])
        same = grid is not None and grid.same(_levels(call, graph))
        call.must(same, "it must read codes of QuantizeLinear, at their scale and zero point", call.inputs[0])
        graph.put(call, graph.tensor(call))
        return
    codes, scale = graph.required(call, 0), graph.required(call, 1).astype(np.float32)
    zero = graph.constant(call, 2)
    axis = call.attributes.get("axis", 1) % max(codes.ndim, 1)
    shape = tuple(-1 if i == axis else 1 for i in range(codes.ndim)) if scale.size > 1 else ()
    integers = codes.astype(np.int64) - (0 if zero is None else zero.astype(np.int64).reshape(shape))
    name = call.outputs[0]
    graph.codes[name] = Codes(integers, scale.reshape(-1), axis if scale.size > 1 else None)
    graph.constants[name] = integers * scale.astype(np.float64).reshape(shape)


def _levels(call: Call, graph: GraphSoFar) -> Levels:
    scale, zero = graph.required(call, 1), graph.constant(call, 2)
    call.must(scale.size == 1, "codes between layers must have one scale", list(scale.shape))
    good = bool(np.isfinite(scale).all() and (scale > 0).all())
    call.must(good, "its scale must be a positive number", scale.reshape(-1)[:1].tolist())
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    low, high = _ends(call, kind)
    first = low - (0 if zero is None else int(zero.reshape(-1)[0]))
    return Levels(float(np.float32(scale.reshape(-1)[0])), 0.0, first, high - low + 1, exact=True)


def _ends(call: Call, kind: np.dtype[np.generic]) -> tuple[int, int]:
    name = str(kind)
    known = {"int4": (-8, 7), "uint4": (0, 15), "int8": (-128, 127), "uint8": (0, 255)}
    known |= {"int16": (-32768, 32767), "uint16": (0, 65535)}
    call.must(name in known, f"codes must be {', '.join(known)}", name)
    return known[name]
