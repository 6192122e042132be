from pathlib import Path

import pytest

from tabulae.errors import FileError
from tabulae.evaluation.value import Value
from tabulae.study.journal import Journal

A, B = Value(0.1 + 0.2, 1e-17), Value(2.0, None)


def test_what_is_kept_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "s.json.part"
    first = Journal(path, "work")
    first.put("a", A)
    first.put("b", B)
    again = Journal(path, "work")
    assert (again.get("a"), again.get("b"), again.get("c")) == (A, B, None)
    again.remove()
    assert not path.exists()


def test_cut_off_anywhere_whole_lines_stay(tmp_path: Path) -> None:
    path = tmp_path / "part"
    journal = Journal(path, "work")
    journal.put("a", A)
    journal.put("b", B)
    data = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        cut = Journal(path, "work")
        assert (cut.get("a"), cut.get("b")) == (A if size >= ends[1] else None, B if size >= ends[2] else None)
        cut.put("c", B)
        assert Journal(path, "work").get("c") == B


def test_other_work_is_refused_and_what_was_found_stays(tmp_path: Path) -> None:
    path = tmp_path / "part"
    Journal(path, "work").put("a", A)
    with pytest.raises(FileError, match=r"a journal of this work .*, but got one of other work; .*remove .* to begin"):
        Journal(path, "other")
    assert Journal(path, "work").get("a") == A


def test_another_kind_of_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part"
    Journal(path, "work").put("a", A)
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(FileError, match=r"must be a journal, to read and write.*remove it"):
        Journal(path, "work")
    with pytest.raises(FileError, match="the journal must be writable"):
        Journal(tmp_path / "none" / "part", "work")
