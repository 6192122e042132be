"""Codes of variable length in the file: the same tensor in memory, fewer bytes, and every damage named."""

import contextlib
import dataclasses
import hashlib
import json
import re

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae import _native
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import prove
from tabulae.artifact import parts
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.artifact.verify import verify
from tabulae.artifact.writer import TableModelWriter
from tabulae.codes import rans
from tabulae.errors import TableModelError, UsageError
from tabulae.workflows import open_tab

ROWS, COLS = 130, 300  # 39,000 weights: three blocks
RECORD = TableRecord.planned("q.weight", rows=ROWS, cols=COLS, format="grid:2/row/rms", bits=8, entropy=True)


def gridded(bits=4, rows=ROWS, cols=COLS, step=1.0):
    """Normal weights on a grid."""
    most = 2 ** (bits - 1) - 1
    x = np.random.default_rng(0).standard_normal((rows, cols))
    codes = (np.clip(np.rint(x / step), -most, most) + most).astype(np.uint8)
    codebook = np.append(np.arange(-most, most + 1), 0).astype(np.int16)
    return TableMatrix(codes, codebook, np.ones(rows, np.float32), None, cols)


def planned(**changes):
    """The plan of the tensor as 4-bit codes."""
    return TableRecord.planned(
        "q.weight", **{"rows": ROWS, "cols": COLS, "format": "int:4/row/rms", "bits": 4} | changes
    )


def write(path, matrix, record=RECORD):
    with TableModelWriter(path, [record]) as writer:
        writer.write_matrix(record.name, matrix, prove(matrix))
    return path


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    return write(tmp_path_factory.mktemp("coded") / "m.tab", gridded())


@pytest.fixture
def altered(coded, model):
    return model.Altered(coded.read_bytes())


def test_exact_bytes(coded):
    """Frozen; the stream itself is pinned in tests/codes/test_rans.py."""
    whole = coded.read_bytes()
    stream = rans.encode(gridded().codes).tobytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    assert whole[begin : begin + len(stream)] == stream
    assert b'\\"required\\":[\\"rans\\"]' in whole
    assert b'\\"coding\\":{\\"name\\":\\"rans\\",\\"length\\":%d}' % len(stream) in whole
    assert hashlib.sha256(whole).hexdigest() == "8bdf9b58bdebc4f481d3e997a67adba7216c40ec7f59dbb9d38f0b61fe9ecd72"


def test_the_tensor_comes_back(coded):
    with open_table_model(coded, verify=True) as file:
        matrix, parts = file.matrix("q.weight"), file.matrix_parts("q.weight")
        assert file.document.required == ("rans",)
    np.testing.assert_array_equal(matrix.codes, gridded().codes, strict=True)
    np.testing.assert_array_equal(matrix.decode(), gridded().decode())
    assert (parts.record.bits, parts.record.coding.length) == (4, rans.encode(gridded().codes).nbytes)
    assert parts.codes.nbytes == parts.record.resident_codes == 144 * 320 // 2
    assert parts.codes.ctypes.data % 64 == 0 and not parts.codes.flags.writeable
    assert not any(array.flags.writeable for array in (parts.codebook, parts.scales, parts.widths))


def test_the_file_is_as_long_as_its_records_say(coded, tmp_path):
    with open_table_model(coded) as file:
        record = file.document.tensors[0]
    assert record.parts()[0].length == record.coding.length
    plain = write(tmp_path / "plain.tab", gridded(), planned())
    saved = plain.stat().st_size - coded.stat().st_size
    assert abs(saved - (record.resident_codes - record.coding.length)) < 256  # but for padding and the header's room


@pytest.mark.parametrize("bits", range(2, 9))
def test_any_width_and_shape(bits, tmp_path):
    for rows, cols in ((1, 1), (3, 40), (16, 32), (100, 700)):
        matrix = gridded(bits, rows, cols)
        record = TableRecord.planned("q.weight", rows=rows, cols=cols, format="x", bits=8, entropy=True)
        with open_table_model(write(tmp_path / "m.tab", matrix, record), verify=True) as file:
            np.testing.assert_array_equal(file.matrix("q.weight").codes, matrix.codes, strict=True)


def test_what_would_not_shrink_is_stored_as_it_is(tmp_path):
    codes = np.random.default_rng(0).integers(0, 16, (128, 320)).astype(np.uint8)
    matrix = dataclasses.replace(gridded(4, 128, 320), codes=codes)
    with open_table_model(write(tmp_path / "m.tab", matrix, planned(rows=128, cols=320, entropy=True))) as file:
        assert file.document.tensors[0].coding is None and file.document.required == ()
        assert len(file.arrays("q.weight")["codes"]) == 128 * 320 // 2
        np.testing.assert_array_equal(file.matrix("q.weight").codes, codes)


def test_zeros_cost_next_to_nothing(tmp_path):
    matrix = TableMatrix(
        np.zeros((1000, 1000), np.uint8), np.zeros(2, np.int16), np.zeros(1000, np.float32), None, 1000
    )
    record = TableRecord.planned("w", rows=1000, cols=1000, format="grid:3/row/rms", bits=8, entropy=True)
    with open_table_model(write(tmp_path / "m.tab", matrix, record), verify=True) as file:
        assert file.document.tensors[0].coding.length == 16 + 6 * 62
        assert not file.matrix("w").decode().any()


def test_misuse(tmp_path):
    with pytest.raises(UsageError, match="bits must be as planned, 3, but got 4"):
        write(tmp_path / "m.tab", gridded(4), planned(bits=3, entropy=True))
    with pytest.raises(UsageError, match="bits must be as planned, 8, but got 4"):
        write(tmp_path / "m.tab", gridded(4), planned(bits=8))
    with pytest.raises(UsageError, match=r"\[tensor q.weight\] every code must fit 4 bits"):
        other = dataclasses.replace(gridded(), codes=gridded().codes + np.uint8(8))
        with TableModelWriter(tmp_path / "m.tab", [RECORD]) as writer:
            writer.write_matrix("q.weight", other, prove(gridded()))
    assert not list(tmp_path.iterdir())


def damage(*places):
    """Flip bits of the stream."""

    def change(altered):
        begin = altered.header["q.weight"]["data_offsets"][0]
        for place in places:
            altered.data[begin + place] ^= 0x41

    return change


def field(*path_and_value):
    def change(altered):
        *path, key, value = path_and_value
        tree = altered.document
        for step in path:
            tree = tree[step]
        tree[key] = value

    return change


def both(*changes):
    return lambda altered: [change(altered) for change in changes]


CODING = ("tensors", 0, "coding")
REFUSED = {
    "feature not required": (
        lambda altered: altered.document.pop("required"),
        r"\[document\] it must require \['rans'\], as its tensors do, but",
    ),
    "feature of no tensor": (field(*CODING, None), r"\[document\] it must require \[\], as its tensors do, but"),
    "another coding": (field(*CODING, "name", "huffman"), "Invalid enum value 'huffman'"),
    "no length": (field(*CODING, {"name": "rans"}), "missing required field `length`"),
    "more fields": (field(*CODING, "more", 1), "unknown field `more`"),
    "negative length": (field(*CODING, "length", -1), "Expected `int` >= 1"),
    "huge length": (field(*CODING, "length", 2**63), "Expected `int` <= 4611686018427387904"),
    "longer than its layout": (
        field(*CODING, "length", 23041),
        r"\[tensor q.weight\] its coded codes must not exceed 23040 bytes, but got 23041",
    ),
    "another length": (field(*CODING, "length", 10000), r"\[slot q.weight\] it must lie at"),
    "no coding": (
        both(field(*CODING, None), lambda altered: altered.document.pop("required")),
        r"\[slot q.weight\] it must lie at",
    ),
    "more rows": (field("tensors", 0, "rows", 131), "a stream of 39300 symbols"),
    "magic": (damage(0), r"\[tensor q.weight\] its codes must be a whole stream: it must begin with 'rANS'"),
    "count": (damage(8), r"\[tensor q.weight\] its codes must be a stream of 39000 symbols, but got"),
    "huge count": (damage(14), "it must be long enough for its symbols"),
    "first symbol": (damage(4), r"\[tensor q.weight\] its codes must be a whole stream"),
    "last symbol": (damage(5), r"\[tensor q.weight\] its codes must be a whole stream"),
    "bitmap": (damage(16), r"\[tensor q.weight\] its codes must be a whole stream"),
    "table": (damage(19), r"its frequencies must add up to 32768"),
    "index": (damage(36), r"its blocks must end where it ends"),
}


@pytest.mark.parametrize("change, match", REFUSED.values(), ids=REFUSED)
def test_malformed_files_are_refused(altered, tmp_path, change, match):
    change(altered)
    with pytest.raises(TableModelError, match=match):
        open_table_model(altered.save(tmp_path / "m.tab"))


def test_symbols_beyond_the_codebook_are_refused(coded):
    with open_table_model(coded) as file:
        record, arrays = file.document.tensors[0], file.arrays("q.weight")
    record.check(arrays)
    with pytest.raises(TableModelError, match=r"\[tensor q.weight\] its codes must be a stream of symbols up to 7"):
        msgspec.structs.replace(record, bits=3).check(arrays)


@pytest.mark.parametrize("block, weight", [(0, 8000), (1, 24000), (2, 36000)])
def test_a_damaged_block_is_named(altered, tmp_path, block, weight):
    damage(altered.document["tensors"][0]["coding"]["length"] * weight // (ROWS * COLS))(altered)
    altered.rehash()
    message = rf"\[tensor q.weight\] .*block {block} must end in its first state"
    with open_table_model(altered.save(tmp_path / "m.tab")) as file:
        for ask in (file.matrix, file.matrix_parts):
            with pytest.raises(TableModelError, match=message):
                ask("q.weight")
        assert re.search(message, str(verify(file).problems[0]))


def test_a_wrong_hash_is_found_by_verification(altered, tmp_path):
    damage(5000)(altered)
    with open_table_model(altered.save(tmp_path / "m.tab")) as file:
        assert "[tensor q.weight] its hash must be" in str(verify(file).problems[0])


def test_an_older_reader_refuses(coded, monkeypatch):
    from tabulae.artifact import document

    monkeypatch.setattr(document, "FEATURES", frozenset())
    with pytest.raises(TableModelError, match=r"must know what it requires, but got \['rans'\]; update tabulae"):
        open_table_model(coded)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5), st.booleans())
def test_junk_in_the_stream(coded, model, tmp_path_factory, pokes, near):
    """Refused, or other codes within the codebook, but never a crash."""
    altered = model.Altered(coded.read_bytes())
    begin, end = altered.header["q.weight"]["data_offsets"]
    for place, value in pokes:
        altered.data[begin + place % (60 if near else end - begin)] = value
    with (
        contextlib.suppress(TableModelError),
        open_table_model(altered.save(tmp_path_factory.getbasetemp() / "junk.tab")) as file,
    ):
        assert file.matrix("q.weight").codes.max() < 16


def test_document_without_coding_says_nothing_of_it(tiny, model):
    document = json.dumps(model.Altered(tiny.read_bytes()).document)
    assert "coding" not in document and "rans" not in document


@pytest.fixture
def certain(tmp_path, monkeypatch):
    """A file of one symbol that is certain, 6 bytes for 16,384 codes, as no writer leaves it; nothing is decoded."""
    one = TableMatrix(np.zeros((64, 2**16), np.uint8), np.zeros(256, np.int16), np.ones(64, np.float32), None, 2**16)
    record = planned(rows=64, cols=2**16, bits=8, entropy=True)
    monkeypatch.setattr(parts, "FREE", 0)
    with pytest.raises(TableModelError, match="at most 64 times the file"):
        write(tmp_path / "m.tab", one, record)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(parts, "MOST_DECODED", 10**6)
    write(tmp_path / "m.tab", one, record)
    monkeypatch.setattr(rans, "decode", lambda *args, **options: pytest.fail("it was decoded"))
    return tmp_path / "m.tab"


def test_a_small_stream_of_gigabytes_is_refused_when_it_is_opened(certain, monkeypatch):
    monkeypatch.setattr(parts, "MOST_DECODED", 64)
    must = r"\[tensor q.weight\] all decoded codes must take at most 64 times the file, or \d+ bytes, but got 4194304, "
    with pytest.raises(TableModelError, match=must + ".*formats of fixed length"):
        open_table_model(certain)


def test_a_tensor_of_zeros_is_no_bomb(certain, monkeypatch):
    monkeypatch.setattr(parts, "MOST_DECODED", 64)
    monkeypatch.setattr(parts, "FREE", 1 << 28)
    open_table_model(certain).close()


def test_more_than_the_memory_is_refused_before_it_is_decoded(certain, monkeypatch):
    monkeypatch.setattr(open_tab, "machine_memory", lambda: 2**22 - 1)
    with (
        open_table_model(certain) as file,
        pytest.raises(TableModelError, match=r"fit the 4194303 bytes .*more memory"),
    ):
        open_tab.weights_of(file)


def test_tensors_that_are_read_in_parallel_take_one_thread_each(tmp_path, monkeypatch):
    records = [msgspec.structs.replace(RECORD, name=name) for name in ("a", "b", "c")]
    with TableModelWriter(tmp_path / "m.tab", records) as writer:
        for record in records:
            writer.write_matrix(record.name, gridded(), prove(gridded()))
    threads, decode = [], _native.rans_decode
    monkeypatch.setattr(_native, "rans_decode", lambda *args: threads.append(args[-1]) or decode(*args))
    with open_table_model(tmp_path / "m.tab") as file:
        for decoded in (False, True):
            open_tab.weights_of(file, decoded=decoded)
    assert threads == [1] * 6
