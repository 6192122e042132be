"""Hugging Face folders: weights in one file or many, provenance, and every way in which one can be wrong."""

import json

import numpy as np
import pytest
from tiny_folder import write_folder

import tabulae
from tabulae.errors import ModelError, TabulaeError
from tabulae.sources import open_source

RANDOM = np.random.default_rng(0)
ARRAYS = {
    "b.weight": RANDOM.normal(size=(6, 4)).astype(np.float32),
    "a.weight": RANDOM.normal(size=(3, 4)).astype(np.float16),
    "norm": np.array([1, 2, 3], dtype=np.float32),
}
INDEX = "model.safetensors.index.json"
TWO = {"one.safetensors": {"b.weight": ARRAYS["b.weight"]}, "two.safetensors": {"norm": ARRAYS["norm"]}}
MAP = {"b.weight": "one.safetensors", "norm": "two.safetensors"}


@pytest.fixture
def single(folder):
    with open_source(folder(weights={"model.safetensors": ARRAYS})) as source:
        yield source


def test_tensors(single):
    assert (single.kind, single.family, single.metadata) == ("huggingface", "llama", {"model_type": "llama"})
    assert sorted(single.names) == sorted(ARRAYS)
    assert (single.shape("a.weight"), single.dtype("a.weight")) == ((3, 4), "F16")
    for name, array in ARRAYS.items():
        assert np.array_equal(single.read(name), array.astype(np.float32))
    assert np.array_equal(single.read("b.weight", slice(2, 4)), ARRAYS["b.weight"][2:4])


def test_names_are_in_file_order(single):
    header = json.loads((single.path / "model.safetensors").read_bytes()[8:].split(b"}}")[0] + b"}}")
    assert list(single.names) == sorted(header, key=lambda name: header[name]["data_offsets"])


def test_what_was_read_is_the_callers(single):
    first = single.read("b.weight")
    first[:] = 0
    assert np.array_equal(single.read("b.weight"), ARRAYS["b.weight"])
    single.close()
    assert not first.any()


def header_bytes(entries, data):
    """A safetensors file written by hand."""
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + data


def test_bfloat16(folder):
    values = np.array([[1.0, -2.5], [2**-126, 3e38]], dtype=np.float32)
    upper = (values.view(np.uint32) >> 16).astype("<u2")
    entries = {"w": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}
    with open_source(folder({"model.safetensors": header_bytes(entries, upper.tobytes())})) as source:
        assert source.dtype("w") == "BF16"
        assert np.array_equal(source.read("w").view(np.uint32), upper.astype(np.uint32) << 16)
        assert np.array_equal(source.read("w", slice(1, 2)).view(np.uint32), upper[1:].astype(np.uint32) << 16)


def test_many_files(folder):
    extra = {**TWO, "two.safetensors": {**TWO["two.safetensors"], "not.listed": np.zeros(2, dtype=np.float32)}}
    with open_source(folder({INDEX: {"weight_map": MAP}}, extra)) as source:
        assert source.names == ("b.weight", "norm")
        assert np.array_equal(source.read("b.weight"), ARRAYS["b.weight"])
        assert source.read("norm").tolist() == [1, 2, 3]
        assert source.provenance()["file"] == "config.json, one.safetensors, two.safetensors"


@pytest.mark.parametrize("rest", [{}, {"one.safetensors": {"b.weight": np.zeros((5, 4), np.float32)}}])
def test_one_file_goes_before_an_index(folder, rest):
    """As in transformers: of an index that is older than the file beside it nothing is read."""
    path = folder({INDEX: {"weight_map": MAP}}, {"model.safetensors": ARRAYS, **rest})
    with open_source(path) as source:
        assert sorted(source.names) == sorted(ARRAYS)
        assert np.array_equal(source.read("b.weight"), ARRAYS["b.weight"])


def test_an_empty_tensor_and_a_scalar(folder):
    weights = {"empty": np.zeros((0, 4), dtype=np.float32), "scalar": np.array(3, dtype=np.float32)}
    with open_source(folder(weights={"model.safetensors": weights})) as source:
        assert source.read("empty").shape == (0, 4)
        assert source.read("scalar") == 3


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# Model", "apache-2.0"),
        ("---\nlicense: 'mit'\n---\n", "mit"),
        ("# No front matter\n---\nlicense: x\n---\n", "LICENSE.txt"),
    ],
)
def test_provenance(folder, card, licence):
    files = {"config.json": {"_name_or_path": "maker/model-1b"}, "README.md": card, "LICENSE.txt": "text"}
    with open_source(folder(files, {"model.safetensors": ARRAYS})) as source:
        provenance = source.provenance()
    assert (provenance["name"], provenance["organisation"], provenance["licence"]) == ("model-1b", "maker", licence)
    assert provenance["file"] == "config.json, model.safetensors"
    assert [len(hash) for hash in provenance["xxh3_128"].split(", ")] == [32, 32]


def test_provenance_without_a_card(single):
    provenance = single.provenance()
    assert provenance["name"] == single.path.name
    assert "licence" not in provenance and "organisation" not in provenance


def refused(path, message):
    with pytest.raises(ModelError, match=message):
        open_source(path)


def test_an_unknown_tensor(single):
    with pytest.raises(ModelError, match="the tensor must be in the folder, but got 'x'"):
        single.read("x")


def test_a_type_that_is_no_float(folder):
    path = folder(weights={"model.safetensors": {"ids": np.arange(3)}})
    with (
        open_source(path) as source,
        pytest.raises(ModelError, match=r"\[ids\] .*float, but got I64; accepted: F32, F16, BF16"),
    ):
        source.read("ids")


def test_nan_is_named(folder):
    weights = {"w": np.array([[1, 2], [np.inf, 3]], dtype=np.float32)}
    path, message = folder(weights={"model.safetensors": weights}), r"\[w\] .*finite, but got inf at \[1, 0\]"
    with open_source(path) as source, pytest.raises(ModelError, match=message):
        source.read("w")


@pytest.mark.parametrize(
    "config",
    [
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        {"quantization_config": {"quant_method": "awq"}},
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
        {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
        {"quantization_config": {"quant_method": "compressed-tensors"}},
        {"quantization_config": {"quant_method": "hqq"}},
        {"quantization_config": {"quant_method": "torchao"}},
        {"compression_config": {"quant_method": "compressed-tensors"}},
        {"quantization": {"group_size": 64, "bits": 4}},
        {"text_config": {"quantization_config": {"quant_method": "mxfp4"}}},
    ],
    ids=str,
)
def test_quantised_folders_name_their_tool(folder, config):
    """Before anything else is looked at: there are no weights."""
    key, settings = next(iter(config.get("text_config", config).items()))
    with pytest.raises(ModelError) as error:
        open_source(folder({"config.json": {"model_type": "llama", **config}}))
    said = settings.get("quant_method", settings)
    assert f"{key} with " in str(error.value) and str(said) in str(error.value) and "dequantize" in str(error.value)


@pytest.mark.parametrize("name", ["quantize_config.json", "quant_config.json", "hf_quant_config.json"])
def test_quantised_folders_that_say_so_in_a_file(folder, name):
    with pytest.raises(ModelError, match=f"{name} with .*bits"):
        open_source(folder({name: {"bits": 4}}))


def test_a_configuration_that_names_no_quantisation(folder):
    config = {"model_type": "llama", "quantization_config": None, "quantization": {}}
    with open_source(folder({"config.json": config}, {"model.safetensors": ARRAYS})) as source:
        assert source.names


def test_numbers_that_are_none_disturb_only_who_uses_them(folder):
    """Python writes NaN and Infinity; whoever needs a number finds the text and refuses it."""
    config = '{"model_type": "llama", "unused": [Infinity, -Infinity, NaN, 1e999], "eps": 1e-5}'
    with open_source(folder({"config.json": config.encode()}, {"model.safetensors": ARRAYS})) as source:
        assert source.metadata["unused"] == ["Infinity", "-Infinity", "NaN", "1e999"] and source.metadata["eps"] == 1e-5


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_needed_is_named(tmp_path, value):
    path = write_folder(tmp_path / "model")
    config = (path / "config.json").read_text()
    (path / "config.json").write_text(config.replace('"rms_norm_eps": 1e-05', f'"rms_norm_eps": {value}'))
    with pytest.raises(ModelError, match=f"rms_norm_eps.*{value}"):
        tabulae.open(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\ufeff{}", "BOM"),
        ('{"a": 1, "a": 2}', "the key 'a' stands there twice"),
        ('{"a": 1 /* one */}', "comments"),
        ("[" * 100_000, "must be JSON"),
        ('{"a": ' + "9" * 5000 + "}", "must be JSON"),
    ],
    ids=["byte order mark", "twice", "comment", "deep", "long"],
)
def test_odd_json_is_one_line(folder, content, message):
    with pytest.raises(ModelError, match=message) as error:
        open_source(folder({"config.json": content.encode()}))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"), [("{", "must be JSON"), ("[1]", "must hold a JSON object, but got list")]
)
def test_a_malformed_config(folder, content, message):
    refused(folder({"config.json": content}), rf"config.json\] the file {message}")


def test_no_weights(folder):
    refused(folder(), r"model.safetensors\] the weights must be in safetensors files, but got no such file; download")


def test_weights_of_another_kind(folder):
    refused(folder({"pytorch_model.bin": "x"}), r"but got only pytorch_model.bin; save the model with transformers")


def test_truncation_at_every_byte(folder):
    path = folder(weights={"model.safetensors": {"w": np.ones((2, 2), dtype=np.float32)}}) / "model.safetensors"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        refused(path.parent, r"must be a whole safetensors file")


@pytest.mark.parametrize(
    "raw",
    [
        (2**63).to_bytes(8, "little") + b"{}",
        (100).to_bytes(8, "little") + b"{}",
        header_bytes({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
        header_bytes({"w": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 8]}}, bytes(8)),
        header_bytes({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
        header_bytes({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(12)),
        header_bytes({"w": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        header_bytes({"w": {"shape": [1]}}, bytes(4)),
        header_bytes([1, 2], bytes(4)),
    ],
)
def test_a_header_that_lies(folder, raw):
    refused(folder({"model.safetensors": raw}), "must be a whole safetensors file")


def test_an_index_without_a_map(folder):
    refused(
        folder({INDEX: {"metadata": {}}}), r"weight_map must map tensor names to files of this folder, but got None"
    )


@pytest.mark.parametrize("file", ["../one.safetensors", "/etc/passwd", 3, ""])
def test_an_index_that_leaves_the_folder(folder, file):
    refused(folder({INDEX: {"weight_map": {"w": file}}}), r"must map tensor names to files of this folder")


def test_an_index_with_a_missing_file(folder):
    path = folder({INDEX: {"weight_map": MAP}}, {"one.safetensors": TWO["one.safetensors"]})
    refused(path, r"two.safetensors\] the weights must be in safetensors files, but got no such file")


def test_an_index_with_a_missing_tensor(folder):
    path = folder({INDEX: {"weight_map": {**MAP, "gone": "one.safetensors"}}}, TWO)
    refused(path, r"every tensor must be in the file that the index names, but got 1 that are not, the first 'gone'")


def test_damage_to_the_header_gives_our_errors_only(folder):
    path = folder(weights={"model.safetensors": {"w": np.ones((2, 2), dtype=np.float32)}}) / "model.safetensors"
    whole = path.read_bytes()
    for place in range(len(whole) - 16):
        for value in (0, 0xFF, whole[place] ^ 1):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                with open_source(path.parent) as source:
                    for name in source.names:
                        source.read(name)
            except TabulaeError as error:
                assert "must" in str(error)
