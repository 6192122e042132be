import os
import threading
from pathlib import Path

import pytest

from tabulae.errors import FileError
from tabulae.files import is_temporary, temporary_name, write_whole


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path, monkeypatch):
    """Some file systems refuse it, and folders may be written that cannot be read; the file is there all the same."""
    real = os.open
    refuse = lambda path, *rest: real(tmp_path / "absent", os.O_RDONLY) if path == tmp_path else real(path, *rest)  # noqa: E731
    monkeypatch.setattr(os, "open", refuse)
    write_whole(tmp_path / "a", b"x", "it")
    assert (tmp_path / "a").read_bytes() == b"x"


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


def test_the_data_are_on_the_disk_before_the_name_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "file", []

    def fsync(handle: int) -> None:
        held = Path(os.readlink(f"/proc/self/fd/{handle}"))
        synced.append((held == tmp_path, held.stat().st_size if held.is_file() else None, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(path, b"data", "the file")
    assert synced == [(False, 4, False), (True, None, True)]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", b"data", "the file")
    assert not list(tmp_path.iterdir())


def test_two_threads_may_write_one_file(tmp_path: Path) -> None:
    path, errors = tmp_path / "file", []
    contents = [bytes([i]) * 100_000 for i in range(4)]

    def write(data: bytes) -> None:
        try:
            for _ in range(20):
                write_whole(path, data, "the file")
        except FileError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_names_are_known_again_and_never_the_same(tmp_path: Path) -> None:
    names = {temporary_name(tmp_path / "file") for _ in range(100)}
    assert len(names) == 100 and all(is_temporary(name, "file") and not is_temporary(name, "fil") for name in names)
