"""One matrix of a stack (experts) and some rows of a fused tensor: nothing else of the file is decoded."""

import numpy as np
import pytest

from tabulae.program.architectures import Origin
from tabulae.sources import _safetensors, gguf, open_source

RANDOM = np.random.default_rng(3)
STACK = RANDOM.normal(size=(3, 4, 64)).astype(np.float32)
FUSED = RANDOM.normal(size=(12, 64)).astype(np.float32)
PARTS = {
    "a matrix": (Origin("stack", 1), lambda stack, fused: stack[1]),
    "rows of a matrix": (Origin("stack", 2, rows=np.array([3, 1])), lambda stack, fused: stack[2, [3, 1]]),
    "a turned matrix": (Origin("stack", 0, transposed=True), lambda stack, fused: stack[0].T),
    "rows": (Origin("fused", rows=np.arange(4, 8)), lambda stack, fused: fused[4:8]),
}


@pytest.fixture(params=PARTS)
def part(request):
    return PARTS[request.param]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_of_a_folder(dtype, part, folder, monkeypatch):
    decoded, widen = [], _safetensors._to_float32
    monkeypatch.setattr(_safetensors, "_to_float32", lambda x: decoded.append(x.size) or widen(x))
    tensors = {"stack": STACK.astype(dtype), "fused": FUSED.astype(dtype)}
    origin, expected = part
    with open_source(folder(weights={"model.safetensors": tensors})) as source:
        np.testing.assert_array_equal(origin.read(source), np.float32(expected(*tensors.values())))
    assert sum(decoded) == 4 * 64


@pytest.mark.parametrize("name", ["F32", "F16", "BF16", "Q8_0", "Q4_1"])
def test_of_a_gguf(name, part, gguf_file, write_parts, monkeypatch):
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize, quantize

    kind = GGMLQuantizationType[name]
    stored = [quantize(x, kind) for x in (STACK, FUSED)]
    values = [dequantize(x, kind).reshape(y.shape) for x, y in zip(stored, (STACK, FUSED), strict=True)]
    raw = [x.tobytes() for x in stored]
    entries = [write_parts["tensor"]("stack", STACK.shape, kind, 0)]
    entries.append(write_parts["tensor"]("fused", FUSED.shape, kind, len(raw[0])))
    decoded, dequantise = [], gguf._dequantise
    monkeypatch.setattr(gguf, "_dequantise", lambda n, lines, t: decoded.append(lines.size) or dequantise(n, lines, t))
    origin, expected = part
    with open_source(gguf_file(tensors=entries, data=b"".join(raw))) as source:
        np.testing.assert_array_equal(origin.read(source), expected(*values))
    assert sum(decoded) == len(raw[0]) // 3
