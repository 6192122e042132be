"""ONNX files that tests write."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(0)


def constant(name, *shape, low=-1.0, high=1.0):
    """Random numbers of a shape."""
    return numpy_helper.from_array(RNG.uniform(low, high, shape).astype(np.float32), name)


def integers(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def saved(path, nodes, shape, constants=(), outputs=("y",), rank=2, opset=18):
    """A file of these operators on the input x [n, *shape]."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(list(nodes), "g", [given], made, list(constants))
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def node(operator, inputs, output="y", **attributes):
    return helper.make_node(operator, list(inputs), [output] if isinstance(output, str) else list(output), **attributes)
