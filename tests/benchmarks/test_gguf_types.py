"""What llama.cpp's files really hold, and bits that count every byte but the tokenizer."""

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize

from dither_reference import steps
from gguf_types import counted_bytes, fell_back


class Source:
    """Names, shapes and types."""

    def __init__(self, **tensors):
        self.tensors, self.names = tensors, tuple(tensors)

    def shape(self, name):
        return self.tensors[name][0]

    def dtype(self, name):
        return self.tensors[name][1]


def test_narrow_matrices_fall_back():
    source = Source(
        q=((100, 576), "Q5_0"), embedding=((50, 576), "Q8_0"), down=((10, 1536), "Q4_K"), norm=((576,), "F32")
    )
    total = 150 * 576 + 10 * 1536 + 576
    assert fell_back(source, "Q4_K_M") == (150 * 576 / total, "Q5_0, Q8_0")


def test_what_was_asked_for_and_wide_matrices_did_not():
    assert fell_back(Source(q=((100, 576), "Q8_0")), "Q8_0") == (0, "")
    assert fell_back(Source(q=((100, 1536), "Q8_0"), k=((9, 256), "Q6_K")), "Q4_K_M") == (0, "")


def test_every_byte_counts_but_the_tokenizer(tmp_path):
    sizes = []
    for words in (["a"], ["a", "bcd"]):
        path = tmp_path / f"{len(words)}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_token_list(words)
        writer.add_tensor("output_norm.weight", np.zeros(64, np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        sizes.append((counted_bytes(path), path.stat().st_size))
    assert all(4 * 64 < counted < whole for counted, whole in sizes)
    assert abs(sizes[1][0] - sizes[0][0]) < 32  # but for what aligns the tensors


@pytest.mark.parametrize("kind, cell", [("Q4_K", 32), ("Q6_K", 16), ("Q4_1", 32), ("Q8_0", 32)])
def test_cells_are_the_steps_of_the_codes(kind, cell):
    """In its own cells every weight lies on whole steps from its neighbours."""
    kind = gguf.GGMLQuantizationType[kind]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    random = np.random.default_rng(0)
    raw = random.integers(0, 256, (20, size)).astype(np.uint8)
    half = np.frombuffer(np.float16([0.01]).tobytes(), np.uint8)
    raw[:, slice(-2, None) if kind.name == "Q6_K" else slice(0, 2)] = half
    raw[:, 2:4] = half if kind.name in ("Q4_K", "Q4_1") else raw[:, 2:4]
    values = dequantize(raw, kind).reshape(-1, cell)
    found = steps(type("Tensor", (), {"data": raw, "tensor_type": kind}))
    assert found.shape == (20 * block // cell, 1)
    used = found[:, 0] > 0
    apart = (values[used] - values[used].min(axis=1, keepdims=True)) / found[used]
    np.testing.assert_allclose(apart, apart.round(), atol=2**-23 * 256 * 64)  # whole numbers of steps below 2^14
