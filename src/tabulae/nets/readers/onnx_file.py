"""ONNX files as trained nets.

A file is untrusted: its size, its tensors and the lengths of its chains are bounded before anything is made of them,
and what is stored outside must lie in its folder.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tabulae.errors import FileError, ModelError, TabulaeError, UsageError
from tabulae.files import check_there
from tabulae.nets.readers import onnx_operators  # noqa: F401  they enlist themselves
from tabulae.nets.readers.onnx_graph import OPERATORS, Attributes, Call, Constant, GraphSoFar, Tensor
from tabulae.nets.trained_net import TrainedNet

BYTES = 1 << 30  # of a file
NUMBERS = 1 << 26  # of one tensor, and of one example of a value
OPERATORS_AT_MOST = 10_000
MOVES = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Split", "MaxPool")  # codes stay codes
LAST = ("Softmax", "LogSoftmax")  # at the end they move no answer


def read(path: str | Path, inputs: dict[str, tuple[int, ...]] | None = None) -> TrainedNet:
    """The net of an ONNX file; ``inputs`` gives shapes of examples where the file leaves them open.

    :raises FileError: no such file, or one that is too large
    :raises ModelError: an operator or a shape that nets are not made of; it is named
    """
    path = Path(path)
    proto = _loaded(path)
    graph = _begun(proto.graph, inputs or {})
    given = {one.value: one.here for one in graph.tensors.values()}
    calls = [_call(node, number) for number, node in enumerate(proto.graph.node)]
    outputs = tuple(one.name for one in proto.graph.output)
    if len(set(outputs)) < len(outputs):
        raise ModelError(str(path), "its outputs must have names of their own", list(outputs))
    read = {name for call in calls for name in call.inputs}
    classifies = False
    for call in calls:
        ends = set(call.outputs) & set(outputs)
        if call.operator in (*LAST, "ArgMax") and ends and not ends & read:
            _classify(call, graph)
            classifies = True
            continue
        _read(call, graph)
    found = tuple(_output(graph, name) for name in outputs)
    labels = tuple(map(str, range(graph.tensors[outputs[0]].shape[-1]))) if classifies and len(outputs) == 1 else None
    return TrainedNet(given, tuple(graph.nodes), found, labels)


def _loaded(path: Path) -> Any:
    check_there(path)
    if path.stat().st_size > BYTES:
        raise FileError(str(path), f"an ONNX file must have at most {BYTES} bytes", path.stat().st_size)
    try:
        import onnx
    except ImportError:
        hint = "pip install 'tabulae[onnx]'"
        raise UsageError("onnx", "the package that reads ONNX files must be installed", "none", hint) from None
    try:
        proto = onnx.load(path, load_external_data=False)
    except Exception as error:  # of protobuf, of several kinds
        raise ModelError(str(path), "it must be an ONNX file", type(error).__name__) from None
    if not proto.graph.node:
        raise ModelError(str(path), "it must hold a graph", "none")
    if len(proto.graph.node) > OPERATORS_AT_MOST:
        raise ModelError(str(path), f"it must have at most {OPERATORS_AT_MOST} operators", len(proto.graph.node))
    _check_external(proto, path)
    onnx.load_external_data_for_model(proto, str(path.parent))
    return proto


def _check_external(proto: Any, path: Path) -> None:
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            place = (path.parent / entry.value).resolve()
            if entry.key != "location":
                continue
            if not place.is_relative_to(path.parent.resolve()):
                raise ModelError(tensor.name, "what it stores outside must lie in its folder", entry.value)
            check_there(place)
            if place.stat().st_size > BYTES:
                raise FileError(str(place), f"it must have at most {BYTES} bytes", place.stat().st_size)


def _begun(graph: Any, shapes: dict[str, tuple[int, ...]]) -> GraphSoFar:
    """Constants and inputs."""
    constants = {tensor.name: _constant(tensor, tensor.name) for tensor in graph.initializer}
    tensors = {}
    for one in graph.input:
        if one.name not in constants:
            shape = shapes.get(one.name) or _shape(one)
            tensors[one.name] = Tensor(one.name, shape, tuple(range(len(shape))))
    return GraphSoFar(constants, tensors, names=set(tensors))


def _constant(tensor: Any, name: str) -> Constant:
    import onnx

    if any(n < 0 for n in tensor.dims) or int(np.prod([*tensor.dims, 1], dtype=object)) > NUMBERS:
        raise ModelError(name, f"a tensor must have at most {NUMBERS} numbers", list(tensor.dims))
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # data that are shorter than their shape, a type that NumPy lacks
        raise ModelError(name, "a tensor must hold the numbers of its shape", error) from None


def _shape(one: Any) -> tuple[int, ...]:
    """Of an example: all axes but the first."""
    dims = [dim.dim_value for dim in one.type.tensor_type.shape.dim]
    if len(dims) < 2 or min(dims[1:]) < 1:
        hint = f"give its shape, such as --input {one.name}=3,32,32"
        raise ModelError(f"input {one.name}", "all axes but that of the examples must be numbers", dims, hint)
    if int(np.prod(dims[1:], dtype=object)) > NUMBERS:
        raise ModelError(f"input {one.name}", f"an example must have at most {NUMBERS} numbers", dims)
    return tuple(dims[1:])


def _call(node: Any, number: int) -> Call:
    import onnx

    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    decoded = {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value
        for name, value in attributes.items()
    }
    call = Call(node.name or f"{number}", node.op_type, tuple(node.input), tuple(node.output), Attributes(decoded))
    call.must(node.domain in ("", "ai.onnx"), "it must be of the domain ai.onnx", node.domain)
    call.must(bool(call.outputs) and all(call.outputs), "it must have outputs with names", list(call.outputs))
    return call


def _read(call: Call, graph: GraphSoFar) -> None:
    if call.operator == "Constant":
        graph.constants[call.outputs[0]] = _value(call)
        return
    if call.operator not in OPERATORS:
        accepted = f"accepted: {', '.join(sorted(OPERATORS))}"
        raise call.error("the operator must be one that nets are made of", call.operator, accepted)
    if call.operator != "DequantizeLinear" and all(name in graph.constants for name in call.inputs if name):
        graph.constants[call.outputs[0]] = _folded(call, graph)
        return
    try:
        OPERATORS[call.operator](call, graph)
    except TabulaeError:
        raise
    except Exception as error:  # of a graph that no checker has seen: lengths that differ, sizes of 0
        raise call.error("it must be as ONNX defines it", f"{type(error).__name__}: {error}") from None
    if call.operator in MOVES and call.inputs[0] in graph.grids:
        graph.grids.update(dict.fromkeys(call.outputs, graph.grids[call.inputs[0]]))
    if ignored := call.attributes.ignored():
        raise call.error("all of its attributes must be ones that are read", ", ".join(ignored))
    for name in call.outputs:
        if name in graph.tensors and np.prod(graph.tensors[name].shape, dtype=object) > NUMBERS:
            raise call.error(f"an example must have at most {NUMBERS} numbers", list(graph.tensors[name].shape))


def _classify(call: Call, graph: GraphSoFar) -> None:
    """A softmax or an argmax at the end, over the last axis: the scores before it stand for it."""
    given = graph.tensor(call)
    default = 0 if call.operator == "ArgMax" else -1 if len(given.shape) > 1 else 1
    axis = call.attributes.get("axis", default)
    rank = len(given.shape) + 1
    call.must(axis % rank == rank - 1, f"its axis must be the last, {rank - 1}", axis)
    graph.put(call, given)


def _value(call: Call) -> Constant:
    """Of the operator Constant."""
    name, value = next(iter(call.attributes.items()), ("", None))
    if name == "value":
        return _constant(value, call.outputs[0])
    call.must(name.startswith("value_") and name != "value_string", "it must hold numbers", name or "nothing")
    return np.asarray(value, np.float32 if "float" in name else np.int64)


def _folded(call: Call, graph: GraphSoFar) -> Constant:
    """What an operator makes of constants alone: those that keep numbers, and the four of two."""
    x = [graph.constants[name] for name in call.inputs if name]
    simple = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    if call.operator in simple and max(x[0].size, x[1].size) == np.prod(np.broadcast_shapes(x[0].shape, x[1].shape)):
        return np.asarray(simple[call.operator](x[0], x[1]))
    if call.operator == "Identity":
        return x[0]
    if call.operator == "Transpose":
        return x[0].transpose(call.attributes.get("perm"))
    if call.operator == "Reshape":
        return x[0].reshape([int(n) for n in x[1]])
    raise call.error("it must read a value of the net", "constants alone", "simplify the graph before")


def _output(graph: GraphSoFar, name: str) -> str:
    if name not in graph.tensors:
        raise ModelError(f"output {name}", "it must be computed from the inputs", "a constant, or nothing")
    return graph.as_onnx(Call(name, "output", (), (name,), Attributes({})), graph.tensors[name]).value
