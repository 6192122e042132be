"""Opening table models, whole and damaged."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open

from tabulae.artifact.reader import open_table_model
from tabulae.errors import FileError, TableModelError, UsageError


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copy(tiny, tmp_path / "copy.tab")


def assert_same(have, want):
    """Two table matrices, field by field."""
    for name in ("codes", "codebook", "scales", "multipliers"):
        np.testing.assert_array_equal(getattr(have, name), getattr(want, name), strict=True)
    assert (have.group, have.exponents) == (want.group, want.exponents)
    assert (have.outliers is None, have.rotation is None) == (want.outliers is None, want.rotation is None)


def test_matrices_come_back(tiny, model):
    with open_table_model(tiny) as file:
        have, want = file.matrix("q.weight"), model.grouped()
        assert_same(have, want)
        for name in ("offsets", "columns", "values"):
            np.testing.assert_array_equal(getattr(have.outliers, name), getattr(want.outliers, name))
        np.testing.assert_array_equal(have.decode(), want.decode())
        have, want = file.matrix("head.weight"), model.rotated()
        assert_same(have, want)
        assert have.rotation.factors == want.rotation.factors
        np.testing.assert_array_equal(have.rotation.signs, want.rotation.signs)


def test_floats_blobs_and_document_come_back(tiny, model):
    with open_table_model(tiny) as file:
        np.testing.assert_array_equal(file.float("norm.weight"), model.NORM, strict=True)
        assert file.blob("tabulae.tokenizer") == model.ARGUMENTS["blobs"]["tabulae.tokenizer"]
        assert bytes(file.document.program) == model.ARGUMENTS["program"]
        assert file.document.provenance == model.ARGUMENTS["provenance"]


def test_parts_are_views_in_their_true_type(tiny):
    with open_table_model(tiny) as file:
        parts = file.matrix_parts("q.weight")
        assert (parts.record.codepoint_bytes, parts.record.outlier_bytes) == (1, 2)
        expected = {
            "codes": ("u1", (768,)),
            "codebook": ("i1", (8,)),
            "multipliers": ("i1", (2, 2, 16)),
            "scales": ("<u2", (18,)),
            "widths": ("u1", (2,)),
            "outlier_offsets": ("<u4", (19,)),
            "outlier_columns": ("<u2", (3,)),
            "outlier_values": ("<i2", (3,)),
        }
        for name, (dtype, shape) in expected.items():
            array = getattr(parts, name)
            assert (array.dtype, array.shape) == (np.dtype(dtype), shape)
            assert not array.flags.writeable and not array.flags.owndata and array.ctypes.data % 64 == 0
        assert parts.signs is None
        assert file.matrix_parts("head.weight").codebook.dtype == "<i2"


def test_stock_safetensors_opens_it(tiny):
    with safe_open(tiny, "numpy") as stock, open_table_model(tiny) as file:
        names = ["q.weight", "norm.weight", "head.weight", "tabulae.tokenizer"]
        assert set(stock.keys()) == {*names, "tabulae.seal"}
        assert stock.metadata()["format"] == "pt"
        for name in names:
            assert stock.get_tensor(name).tobytes() == file.stored(name).tobytes()


def test_views_outlive_the_file(tiny):
    with open_table_model(tiny) as file:
        norm = file.float("norm.weight")
    with pytest.raises(UsageError, match=r"it must be open, but got tiny.tab, closed"):
        file.float("norm.weight")
    assert norm[1] == -2


@pytest.mark.parametrize(
    "ask, match",
    [
        (lambda file: file.matrix("x"), r"\[tensor\] the name must be in the file, but got 'x'"),
        (lambda file: file.matrix("norm.weight"), "norm.weight must be a table tensor"),
        (lambda file: file.float("q.weight"), "q.weight must be a float tensor"),
        (lambda file: file.blob("norm.weight"), r"\[blob\] the name must be in the file"),
        (lambda file: file.stored("tabulae.seal"), r"\[tensor\] the name must be in the file"),
    ],
)
def test_wrong_names(tiny, ask, match):
    with open_table_model(tiny) as file, pytest.raises(UsageError, match=match):
        ask(file)


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"none.tab\] it must be readable, but got no such file or folder"):
        open_table_model(tmp_path / "none.tab")


def test_folder(tmp_path):
    with pytest.raises(TableModelError, match=r"must be a table model, but got a folder; build one of it first: tab"):
        open_table_model(tmp_path)


def test_a_gguf_file(tmp_path):
    path = tmp_path / "smol.gguf"
    path.write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(TableModelError, match=r"table model, but got a GGUF file; .* build .*smol.gguf -o smol.tab"):
        open_table_model(path)


def test_truncation_at_every_byte(copy):
    for size in reversed(range(os.path.getsize(copy))):
        os.truncate(copy, size)
        with pytest.raises(TableModelError):
            open_table_model(copy)


def test_every_flipped_bit_of_header_and_seal(copy):
    """The length, the header with its padding, and the seal."""
    whole = copy.read_bytes()
    head = 8 + int.from_bytes(whole[:8], "little")
    with open(copy, "r+b", buffering=0) as file:
        for position in (*range(head), *range(len(whole) - 64, len(whole))):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([whole[position] ^ 1 << bit]), position)
                with pytest.raises(TableModelError):
                    open_table_model(copy)
            os.pwrite(file.fileno(), whole[position : position + 1], position)
    open_table_model(copy, verify=True).close()


def test_flipped_bits_of_the_data(copy):
    """Without full verification other numbers are possible, but nothing worse; with it the tensor is named."""
    whole = copy.read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    opened = 0
    with open(copy, "r+b", buffering=0) as file:
        for position in range(begin, len(whole) - 64):
            os.pwrite(file.fileno(), bytes([whole[position] ^ 1 << position % 8]), position)
            opened += use(copy)
            with pytest.raises(TableModelError, match=r"^\[(tensor|blob) "):
                open_table_model(copy, verify=True)
            os.pwrite(file.fileno(), whole[position : position + 1], position)
    assert opened > 1000


def use(path):
    """Decode everything that opens."""
    try:
        file = open_table_model(path)
    except TableModelError:
        return False
    assert file.matrix("q.weight").decode().shape == (18, 40)
    assert file.matrix("head.weight").decode().shape == (5, 12)
    return True


def test_nothing_heavy_is_imported():
    heavy = "{'scipy', 'safetensors', 'gguf', 'tokenizers', 'jinja2', 'rich', 'typer', 'torch'}"
    code = f"import sys, tabulae.artifact.reader; assert not {heavy} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
