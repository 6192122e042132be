from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tabulae.errors import FileError
from tabulae.evaluation.files import read_safetensors


def test_tensors_and_metadata_are_read(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "b": np.float32([0.5])}
    save_file(arrays, tmp_path / "with", {"key": "value"})
    save_file(arrays, tmp_path / "without")
    metadata, found = read_safetensors(tmp_path / "with", "the file")
    assert metadata == {"key": "value"} and found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    assert read_safetensors(tmp_path / "without", "the file")[0] == {}


@pytest.mark.parametrize("data", [b"", b"text, and no tensors at all", b"\xff" * 64])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(FileError, match="the importance must be a safetensors file"):
        read_safetensors(tmp_path / "file", "the importance")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FileError, match="it must be"):
            read_safetensors(path, "the importance")


def test_types_that_numpy_lacks_are_refused(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    (tmp_path / "file").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(FileError, match="the importance must be a safetensors file"):
        read_safetensors(tmp_path / "file", "the importance")
