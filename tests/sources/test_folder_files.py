"""Folders as people have them: links, files under other names, files left over: read right, or refused in one line."""

import json

import numpy as np
import pytest

from tabulae.errors import ModelError
from tabulae.sources import open_source

W = np.arange(6, dtype=np.float32).reshape(2, 3)
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SHARDS = {FIRST: {"a": W}, SECOND: {"b": 2 * W}}
WEIGHT_MAP = {"weight_map": {"a": FIRST, "b": SECOND}}


def refused(path):
    """The one line of a folder that cannot be opened."""
    with pytest.raises(ModelError, match="but got") as error:
        open_source(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_link_to_the_weights(folder):
    """As caches keep them: the file is elsewhere, under the name of its hash."""
    path = folder(weights={SINGLE: {"w": W}})
    (path / SINGLE).rename(path / "blob")
    (path / SINGLE).symlink_to("blob")
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read("w"), W)


def test_a_link_to_nothing(folder):
    path = folder()
    (path / SINGLE).symlink_to("blob")
    assert SINGLE in refused(path)


def test_a_file_beside_those_of_the_index_is_not_read(folder):
    path = folder({INDEX: WEIGHT_MAP}, {**SHARDS, "extra.safetensors": {"c": W, "a": 3 * W}})
    with open_source(path) as source:
        assert source.names == ("a", "b")
        np.testing.assert_array_equal(source.read("a"), W)


@pytest.mark.parametrize("names", [(FIRST, SECOND), ("model-00001-of-00001.safetensors",), ("model.fp16.safetensors",)])
def test_weights_under_names_that_nothing_names(folder, names):
    """Parts without their index, one part alone, a variant: which of them are the model is not said."""
    assert "safetensors" in refused(folder(weights={name: {"w": W} for name in names}))


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_a_configuration_that_is_no_plain_utf8(folder, mark):
    content = json.dumps({"model_type": "llama"}).encode(mark)
    assert "config.json" in refused(folder({"config.json": content}, {SINGLE: {"w": W}}))


@pytest.mark.parametrize("dtype", [np.float64, np.int8, np.uint8, np.int32, np.bool_])
def test_types_that_are_refused_by_name(folder, dtype):
    with open_source(folder(weights={SINGLE: {"w": np.ones((2, 2), dtype), "v": W}})) as source:
        with pytest.raises(ModelError, match=rf"\[w\].* but got {source.dtype('w')}; accepted: F32, F16, BF16"):
            source.read("w")
        np.testing.assert_array_equal(source.read("v"), W)


def test_halves(folder):
    with open_source(folder(weights={SINGLE: {"w": (W / 7).astype(np.float16)}})) as source:
        np.testing.assert_array_equal(source.read("w"), (W / 7).astype(np.float16).astype(np.float32))
