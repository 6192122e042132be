"""The kind of a path is found; what is no model is refused in one clear line."""

import subprocess
import sys

import pytest

from tabulae.errors import FileError, ModelError
from tabulae.sources import open_source


def test_a_missing_path(tmp_path):
    with pytest.raises(FileError, match=r"it must be readable, but got no such file or folder"):
        open_source(tmp_path / "nothing.gguf")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 something else"])
def test_a_file_that_is_no_model(tmp_path, content):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(
        ModelError, match=r"known kind, but got .*suffix .bin.*accepted: a GGUF file .* or a Hugging Face"
    ):
        open_source(path)


def test_a_folder_without_config(tmp_path):
    with pytest.raises(ModelError, match=r"a folder without config.json"):
        open_source(tmp_path)


def test_kinds_are_found_by_content(gguf_file, small_gguf, tmp_path):
    path = gguf_file(raw=small_gguf).rename(tmp_path / "no_suffix")
    with open_source(str(path)) as source:
        assert source.kind == "gguf"
        assert source.family == source.metadata.get("general.architecture")


def test_importing_loads_nothing_heavy():
    code = "import sys, tabulae.sources, tabulae.text.tokenizer, tabulae.text.sampling, tabulae.text.chat\n"
    code += "print({'gguf', 'tokenizers', 'jinja2', 'safetensors', 'xxhash', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
