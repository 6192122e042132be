"""Writing: exact bytes, and nothing left behind when it fails."""

import dataclasses
import errno
import hashlib
import os
import resource
import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tabulae.arithmetic.widths import Widths, prove
from tabulae.artifact import writer as module
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.record import Part, Record
from tabulae.artifact.records import FloatRecord, TableRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.errors import FileError, TableModelError, UsageError


def test_exact_bytes(tmp_path):
    """A file of one float tensor, field by field."""
    path = tmp_path / "a.tab"
    with TableModelWriter(path, [FloatRecord(name="b", shape=(2,))]) as writer:
        writer.write_float("b", np.array([1, -2], np.float32))
    whole = path.read_bytes()
    document = (
        r"{\"schema\":2,\"program\":null,"
        r"\"tensors\":[{\"kind\":\"float\",\"name\":\"b\",\"hash\":\"d7aedd60c2f5133c\",\"shape\":[2]}],"
        r"\"provenance\":{}}"
    )
    header = (
        '{"__metadata__":{"format":"pt","tabulae":"' + document + '"},'
        '"b":{"dtype":"U8","shape":[64],"data_offsets":[0,64]},'
        '"tabulae.seal":{"dtype":"U8","shape":[64],"data_offsets":[64,128]}}'
    )
    assert whole[:8] == (312).to_bytes(8, "little")
    assert whole[8:320].decode() == header.ljust(312)
    assert whole[320:384] == bytes.fromhex("0000803f000000c0") + bytes(56)
    assert whole[384:] == b"TABULAE\0\1\0\0\0\0\0\0\0" + bytes.fromhex("daae3c5a424548821ccf2506d5e61bc6") + bytes(32)


def test_exact_bytes_of_all_kinds_of_parts(tiny):
    whole = tiny.read_bytes()
    assert len(whole) == 3968
    assert hashlib.sha256(whole).hexdigest() == "2a75059ba5e7d81a79ba3558e7bea23b1483accd58a91f3827bcb39ddaff8c3a"


def test_same_calls_same_bytes(tiny, model, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 1)  # also when packed panel by panel
    model.write_tiny(tmp_path / "again.tab")
    assert (tmp_path / "again.tab").read_bytes() == tiny.read_bytes()


def test_an_old_file_is_replaced_and_permissions_are_the_usual(model, tmp_path):
    path = tmp_path / "a.tab"
    path.write_text("old")
    model.write_tiny(path)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert os.listdir(tmp_path) == ["a.tab"]
    open_table_model(path).close()


@pytest.fixture
def target(tmp_path):
    """A file that must survive whatever goes wrong, alone in its folder."""
    path = tmp_path / "a.tab"
    path.write_text("old")
    yield path
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.tab"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
def test_interrupted(target, model, error):
    with pytest.raises(error), TableModelWriter(target, model.TENSORS) as writer:
        writer.write_matrix("q.weight", model.grouped(), prove(model.grouped()))
        raise error


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_interrupted_at_the_end(target, model, monkeypatch, step, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(module.os, step, fail)
    with pytest.raises((KeyboardInterrupt, FileError)):
        model.write_tiny(target)


def test_disk_full(target, model):
    """The system refuses to let the file grow beyond 2 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    try:
        with pytest.raises(FileError, match=r"a.tab\] it must be writable to its end, but got File too large"):
            model.write_tiny(target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("full_after", [0, 1, 5])
def test_no_space_left(target, model, monkeypatch, full_after):
    """Also when it is the last bytes in the buffer, at the end, that do not fit."""

    class Full:
        def __init__(self, path, mode):
            self.file, self.writes = Path(path).open(mode), 0  # noqa: SIM115 (the writer closes it)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, piece):
            self.writes += 1
            if self.writes > full_after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(piece)

    monkeypatch.setattr(module, "open", Full, raising=False)
    with pytest.raises(FileError, match="No space left on device; nothing was left behind"):
        model.write_tiny(target)


def test_folder_that_is_missing(tmp_path, model):
    with pytest.raises(FileError, match="No such file or directory"):
        model.write_tiny(tmp_path / "none" / "a.tab")


def test_target_that_is_a_folder(tmp_path, model):
    with pytest.raises(FileError, match="it must be writable to its end, but got a folder"):
        model.write_tiny(tmp_path)


def write(writer, model, **changes):
    """The first tensor, with changes."""
    matrix = dataclasses.replace(model.grouped(), **changes)
    writer.write_matrix("q.weight", matrix, prove(model.grouped()))


MISUSES = {
    "another tensor": (lambda w, m: w.write_float("norm.weight", m.NORM), "the next tensor must be q.weight"),
    "another kind": (lambda w, m: w.write_float("q.weight", m.NORM), "its parts must be codes uint8"),
    "not all": (lambda w, m: write(w, m), "all 3 planned tensors must be written, but got no norm.weight"),
    "one too many": (
        lambda w, m: (m.write_tensors(w), w.write_float("x", m.NORM)),
        "the next tensor must be none, but got x",
    ),
    "rows": (
        lambda w, m: write(w, m, codes=m.grouped().codes[:17]),
        r"\[tensor q.weight\] rows must be as planned, 18",
    ),
    "exponents": (lambda w, m: write(w, m, exponents=0), "exponents must be as planned, 4, but got 0"),
    "multipliers": (lambda w, m: write(w, m, multipliers=None), r"multipliers must be as planned, \(18, 2\)"),
    "scales": (lambda w, m: write(w, m, scales=m.grouped().scales[:1]), "scales must be as planned, 18, but got 1"),
    "scale": (lambda w, m: write(w, m, scales=m.grouped().scales * np.float32(1.001)), "must be a bfloat16 number"),
    "scale NaN": (lambda w, m: write(w, m, scales=m.grouped().scales * np.nan), "must be a bfloat16 number"),
    "widths": (
        lambda w, m: w.write_matrix("q.weight", m.grouped(), prove(m.rotated())),
        "widths must be as planned, 2",
    ),
    "code": (lambda w, m: write(w, m, codes=m.grouped().codes + np.uint8(1)), "every code must fit 3 bits"),
    "rotation": (lambda w, m: write(w, m, rotation=m.rotated().rotation), "rotation must be as planned, None"),
    "float shape": (
        lambda w, m: (write(w, m), w.write_float("norm.weight", m.NORM[:4])),
        r"its parts must be values float32 \(5,\), but got values float32 \(4,\)",
    ),
    "float dtype": (
        lambda w, m: (write(w, m), w.write_float("norm.weight", m.NORM.astype("f8"))),
        "but got values float64",
    ),
    "a float as a table": (
        lambda w, m: (write(w, m), w.write_matrix("norm.weight", m.grouped(), prove(m.grouped()))),
        "norm.weight must be written as planned, float32, but got a table tensor",
    ),
}


@pytest.mark.parametrize("misuse, match", MISUSES.values(), ids=MISUSES)
def test_misuse(target, model, misuse, match):
    with pytest.raises(UsageError, match=match), TableModelWriter(target, model.TENSORS) as writer:
        misuse(writer, model)


def test_what_no_reader_would_accept(target, model):
    matrix = dataclasses.replace(model.grouped(), scales=-model.grouped().scales)
    with (
        pytest.raises(TableModelError, match="every scale must be finite and not negative"),
        TableModelWriter(target, model.TENSORS) as writer,
    ):
        writer.write_matrix("q.weight", matrix, prove(matrix))


def test_a_float_that_is_no_number(target, model):
    with (
        pytest.raises(TableModelError, match=r"\[tensor norm.weight\] every value must be finite"),
        TableModelWriter(target, model.TENSORS[1:]) as writer,
    ):
        writer.write_float("norm.weight", model.NORM * np.nan)


def test_a_write_that_failed_is_not_forgotten(target, model, monkeypatch):
    """Even if the caller goes on: the bytes that were written before the failure spoil the file."""
    with (
        pytest.raises(FileError, match="bytes must have been written"),
        TableModelWriter(target, model.TENSORS) as writer,
    ):
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr(module, "_packed", lambda *_: (memoryview(b"x") if done < 3 else 1 / 0 for done in range(9)))
            writer.write_matrix("q.weight", model.grouped(), prove(model.grouped()))
        model.write_tensors(writer)


def test_room_is_planned_at_its_widest(tmp_path, model):
    """The narrower numbers of the encoded tensors leave spaces, and the data start where the plan put them."""
    widest = [FloatRecord(name="norm.weight", shape=(5,)), msgspec.structs.replace(model.TENSORS[0], outliers=3)]
    path = tmp_path / "a.tab"
    matrix = dataclasses.replace(model.grouped(), outliers=None)
    with TableModelWriter(path, widest) as writer:
        writer.write_float("norm.weight", model.NORM)
        writer.write_matrix("q.weight", matrix, prove(matrix))
    with open_table_model(path, verify=True) as file:
        assert file.document.tensors[1].outliers == 0
        assert file.matrix("q.weight").outliers is None


def test_too_little_room(target, model):
    """Outliers that were not planned, and codepoints of one byte that were: of two tensors more than what fills up."""
    narrow = msgspec.structs.replace(model.TENSORS[0], outliers=0, outlier_bytes=1, codepoint_bytes=1, accumulator=32)
    planned = [narrow, msgspec.structs.replace(narrow, name="k.weight")]
    with (
        pytest.raises(TableModelError, match=r"\[header\] it must fit the \d+ bytes planned for it"),
        TableModelWriter(target, planned) as writer,
    ):
        for record in planned:
            writer.write_matrix(record.name, model.grouped(), prove(model.grouped()))


def test_memory_stays_small(tmp_path):
    """Packing goes in pieces: beside a tensor of 64 MB at most a few are alive."""
    import tracemalloc

    from tabulae.arithmetic.matrix import TableMatrix

    rows, cols = 8192, 8192
    matrix = TableMatrix(
        codes=np.zeros((rows, cols), np.uint8),
        codebook=np.arange(-8, 8).astype(np.int16),
        scales=np.ones(rows, np.float32),
        multipliers=None,
        group=cols,
    )
    record = TableRecord.planned("w", rows=rows, cols=cols, format="int:4/row/absmax", bits=4)
    tracemalloc.start()
    try:
        with TableModelWriter(tmp_path / "a.tab", [record]) as writer:
            writer.write_matrix("w", matrix, Widths(256, 32, np.full(-(-rows // 16), 31, np.uint8)))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


class Lengths(Record, frozen=True, kw_only=True, tag_field="kind", tag="lengths"):
    """A kind of which no file of the package knows."""

    count: int

    def parts(self):
        return Part("small", "U8", (self.count,)), Part("large", "I32", (self.count,))

    def check(self, arrays):
        if int(arrays["large"].min()) < 0:
            raise self.error("every length must be positive", int(arrays["large"].min()))


def test_a_new_kind_needs_its_record_alone(tmp_path):
    """It is written, laid out and sealed; a reader without it refuses it by name."""
    record, path = Lengths(name="x", count=3), tmp_path / "a.tab"
    arrays = {"small": np.arange(3, dtype=np.uint8), "large": np.arange(3, dtype=np.int32)}
    with TableModelWriter(path, [record]) as writer:
        writer.write("x", arrays)
    assert path.read_bytes()[-192:-64] == bytes([0, 1, 2]).ljust(64, b"\0") + arrays["large"].tobytes().ljust(64, b"\0")
    with pytest.raises(TableModelError, match=r"Invalid value 'lengths' - at `\$.tensors\[0\].kind`"):
        open_table_model(path)
    with pytest.raises(TableModelError, match=r"\[tensor x\] every length"), TableModelWriter(path, [record]) as writer:
        writer.write("x", arrays | {"large": -arrays["large"]})


@pytest.mark.parametrize("program", [b"{", b'{"a": 1, "a": 2}', b"NaN"])
def test_program_that_is_no_strict_json(target, program):
    with pytest.raises(TableModelError, match=r"\[program\] it must be JSON without duplicate keys"):
        TableModelWriter(target, [], program=program)
