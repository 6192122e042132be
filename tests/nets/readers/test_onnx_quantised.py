"""Quantised models: their very integers, as onnxruntime computes them."""

import numpy as np
import onnxruntime
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from onnx_files import constant, node, saved
from tabulae.nets.compile import compile
from tabulae.nets.nodes.quantised import Quantised
from tabulae.nets.readers import onnx_file
from tabulae.program.interpreter import Interpreter


class Data(CalibrationDataReader):
    def __init__(self, x):
        self.rows = iter([{"x": row[None]} for row in x])

    def get_next(self):
        return next(self.rows, None)


def quantised(tmp_path, nodes, shape, constants, **options):
    """A float model, quantised by onnxruntime on random data; its path and more data."""
    rng = np.random.default_rng(0)
    path = saved(tmp_path / "float.onnx", nodes, shape, constants)
    x = rng.normal(size=(64, *shape)).astype(np.float32)
    out = tmp_path / "quantised.onnx"
    quantize_static(path, out, Data(x), quant_format=QuantFormat.QDQ, **options)
    return out, rng.normal(size=(200, *shape)).astype(np.float32)


def agree(path, x):
    """All outputs of a quantised model on its grid, both ways; only the grid's scale turns them into floats."""
    net = onnx_file.read(path)
    built = compile(net, {"x": x})
    first = next(one for one in net.nodes if isinstance(one, Quantised))
    codes = first.levels.codes(x)
    ours = Interpreter(built.program, {}, arrays=built.arrays).run({"x": codes})[built.program.outputs[0]]
    last = [one for one in net.nodes if isinstance(one, Quantised)][-1].levels
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    theirs = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"]).run(None, {"x": x})[0]
    points = np.rint(theirs / np.float32(last.unit)).astype(int)
    return ours + last.first, points


SIGNED = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
UNSIGNED = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
ROWS = {"per_channel": True}


@pytest.mark.parametrize(
    "options", [SIGNED, UNSIGNED, UNSIGNED | {"per_channel": True}, SIGNED | {"per_channel": True}]
)
def test_dense(options, tmp_path) -> None:
    nodes = [
        node("Gemm", ["x", "w", "b"], "h", transB=1),
        node("Relu", ["h"], "r"),
        node("Gemm", ["r", "v", "c"], transB=1),
    ]
    constants = [constant("w", 16, 12), constant("b", 16), constant("v", 5, 16), constant("c", 5)]
    ours, theirs = agree(*quantised(tmp_path, nodes, (12,), constants, **options))
    assert (ours == theirs).all()


@pytest.mark.parametrize("options", [UNSIGNED, UNSIGNED | ROWS, SIGNED | ROWS])
def test_convolutional(options, tmp_path) -> None:
    nodes = [
        node("Conv", ["x", "w", "b"], "h", pads=[1, 1, 1, 1], strides=[2, 1]),
        node("Relu", ["h"], "r"),
        node("Conv", ["r", "d"], "e", group=6, pads=[1, 1, 1, 1]),
        node("MaxPool", ["e"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], "f"),
        node("MatMul", ["f", "v"]),
    ]
    constants = [constant("w", 6, 3, 3, 3), constant("b", 6), constant("d", 6, 1, 3, 3), constant("v", 36, 4)]
    ours, theirs = agree(*quantised(tmp_path, nodes, (3, 8, 6), constants, **options))
    assert (ours == theirs).all()
