"""Times of a 784-128-10 net in onnxruntime's int8, as JSON {batch: seconds}: its leanest form, integers in and out.

Run by ``bench_net.py`` with a Python that has onnx and onnxruntime.
"""

import json
import sys
import time
from itertools import pairwise

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def model(sizes):
    """QLinearMatMul after QLinearMatMul; an output that saturates at 0 is the ReLU."""
    rng, nodes, constants = np.random.default_rng(0), [], []
    for name, dtype, value in (("one", np.float32, 1), ("big", np.float32, 99), ("z", np.uint8, 0), ("zw", np.int8, 0)):
        constants.append(numpy_helper.from_array(dtype(value).reshape(()), name))
    for at, (columns, rows) in enumerate(pairwise(sizes)):
        weights = rng.integers(-8, 8, (columns, rows)).astype(np.int8)
        constants.append(numpy_helper.from_array(weights, f"w{at}"))
        given = [f"x{at}", "one", "z", f"w{at}", "one", "zw", "big", "z"]
        nodes.append(helper.make_node("QLinearMatMul", given, [f"x{at + 1}"]))
    ends = [helper.make_tensor_value_info(f"x{at}", TensorProto.UINT8, ["n", sizes[at]]) for at in (0, len(sizes) - 1)]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def median(session, x, seconds=1.5):
    """Of many calls."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        session.run(None, {"x0": x})
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def main():
    made = model((784, 128, 10))
    onnx.checker.check_model(made)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).integers(0, 16, (256, 784)).astype(np.uint8)
    print(json.dumps({n: median(session, x[:n]) for n in map(int, sys.argv[1:])}))


if __name__ == "__main__":
    main()
