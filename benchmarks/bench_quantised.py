"""The integers of quantised models: ours beside onnxruntime's, with its default kernels and with exact ones.

    pip install onnx onnxruntime
    python benchmarks/bench_quantised.py

Random layers of 12 and 16 inputs, quantised by onnxruntime on random data, 200 examples. A line for every kind: of what
share of the outputs the code differs, and by how much at most. The default kernels of CPUs with AVX2 and without VNNI
add pairs of products in 16 bits, which saturate; session.x64quantprecision makes them exact.
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from tabulae.nets.compile import compile
from tabulae.nets.nodes.quantised import Quantised
from tabulae.nets.readers import onnx_file
from tabulae.runtime.net import NetModel

KINDS = {
    "signed": {"activation_type": QuantType.QInt8},
    "unsigned": {"activation_type": QuantType.QUInt8},
    "signed, scales of rows": {"activation_type": QuantType.QInt8, "per_channel": True},
    "unsigned, scales of rows": {"activation_type": QuantType.QUInt8, "per_channel": True},
}


class Examples(CalibrationDataReader):
    """Rows one by one."""

    def __init__(self, x: np.ndarray) -> None:
        self.rows = iter([{"x": row[None]} for row in x])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next row."""
        return next(self.rows, None)


def main() -> None:
    """A line for every kind."""
    logging.disable(logging.WARNING)
    for name, options in KINDS.items():
        for weights in (8, 7):
            x, path = quantised(options, reduced=weights == 7)
            ours = integers(path, x)
            for kernels in ("default", "exact"):
                theirs = answers(path, x, kernels == "exact")
                share, most = (ours != theirs).mean(), np.abs(ours - theirs).max()
                print(f"{name:26} {weights}-bit weights, {kernels:7} kernels: {100 * share:5.1f} %, by {most} at most")


def quantised(options: dict[str, object], *, reduced: bool) -> tuple[np.ndarray, Path]:
    """Examples, and the file of a layer that was quantised on others."""
    rng, folder = np.random.default_rng(0), Path(tempfile.mkdtemp())
    constants = [
        numpy_helper.from_array(rng.uniform(-1, 1, shape).astype(np.float32), name)
        for name, shape in (("w", (16, 12)), ("b", (16,)))
    ]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", n]) for name, n in (("x", 12), ("y", 16))]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), folder / "float.onnx"
    )
    x, out = rng.normal(size=(264, 12)).astype(np.float32), folder / "quantised.onnx"
    given = {"weight_type": QuantType.QInt8, "quant_format": QuantFormat.QDQ, "reduce_range": reduced}
    quantize_static(folder / "float.onnx", out, Examples(x[:64]), **given, **options)
    return x[64:], out


def integers(path: Path, x: np.ndarray) -> np.ndarray:
    """Points of the output's grid, by us."""
    net = onnx_file.read(path)
    grids = [node.levels for node in net.nodes if isinstance(node, Quantised)]
    built = compile(net, {"x": x})
    found = NetModel(*built)(grids[0].codes(x))[built.program.outputs[0]]
    return found.astype(np.int64) + grids[-1].first


def answers(path: Path, x: np.ndarray, exact: bool) -> np.ndarray:
    """The same by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1" if exact else "0")
    found = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"]).run(None, {"x": x})[0]
    scale = [node.levels.unit for node in onnx_file.read(path).nodes if isinstance(node, Quantised)][-1]
    return np.rint(found / np.float32(scale)).astype(np.int64)


if __name__ == "__main__":
    main()
