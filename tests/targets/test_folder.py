"""A target's files go into a folder that is theirs alone."""

import pytest

from tabulae.errors import FileError
from tabulae.targets.folder import write


def test_files_are_written(tmp_path) -> None:
    write(tmp_path / "a" / "b", {"x.c": "int x;\n", "Makefile": "all:\n"})
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["Makefile", "x.c"]
    assert (tmp_path / "a" / "b" / "x.c").read_text() == "int x;\n"


def test_a_folder_with_something_in_it_is_refused(tmp_path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(FileError, match="the folder must be empty, but got mine; give another"):
        write(tmp_path, {"x.c": ""})
    assert not (tmp_path / "x.c").exists()


def test_a_file_in_its_place_is_refused(tmp_path) -> None:
    (tmp_path / "net").write_text("")
    with pytest.raises(FileError, match="it must be a folder that can be written"):
        write(tmp_path / "net", {"x.c": ""})
