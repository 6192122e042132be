"""Whose a work folder is."""

from pathlib import Path

import pytest

from tabulae.errors import UsageError
from tabulae.files import temporary_name
from tabulae.workflows.work_folder import LOCK, claim

STATE = "build.json"


def test_a_folder_is_claimed_once_and_known_again(tmp_path: Path) -> None:
    claim(tmp_path, STATE, b"one build")
    assert [path.name for path in tmp_path.iterdir()] == [STATE]
    (tmp_path / "000000.tab").write_bytes(b"a tensor")
    claim(tmp_path, STATE, b"one build")


def test_a_folder_of_other_code_is_refused_in_one_line(tmp_path: Path) -> None:
    claim(tmp_path, STATE, b"tabulae 1, epoch 1")
    with pytest.raises(
        UsageError, match=r"^\[work folder\] it must belong to this build, .*version of tabulae, or remove"
    ):
        claim(tmp_path, STATE, b"tabulae 1, epoch 2")
    assert (tmp_path / STATE).read_bytes() == b"tabulae 1, epoch 1"


def test_what_a_kill_left_while_claiming_is_anybodys(tmp_path: Path) -> None:
    temporary_name(tmp_path / STATE).write_bytes(b"half")
    (tmp_path / LOCK).touch()
    claim(tmp_path, STATE, b"one build")


def test_files_of_unknown_origin_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UsageError, match="must belong to this build, but got files of unknown origin"):
        claim(tmp_path, STATE, b"one build")
