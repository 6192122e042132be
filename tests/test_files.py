from pathlib import Path

import pytest

from tabulae.errors import FileError
from tabulae.files import write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"before", b"", b"after"):
        write_whole(path, data, "the file")
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(FileError, match="the record must be writable"):
        write_whole(tmp_path / "folder", b"data", "the record")  # the data are written, but cannot take its place
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "inside"]
    with pytest.raises(FileError, match="No such file or directory"):
        write_whole(tmp_path / "none" / "file", b"data", "the record")
