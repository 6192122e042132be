"""Codes of variable length from build to run: a smaller file, the same model."""

import numpy as np
import pytest
import xxhash
from typer.testing import CliRunner

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.cli.main import app
from tabulae.errors import TableModelError
from tabulae.workflows.describe import describe

TOKENS = [5, 6, 7, 8]
RULES = [
    "grid:3/row/rms",
    "*up*=normal:4/g32/signmax/entropy",
    "*down*=grid:2.5/tensor/rms/sparse=0.01",
    "*embed*=int:8/row/absmax",
]


def build(folder, path, *formats):
    with tabulae.open(folder) as model:
        return model.build(path, formats=list(formats))


@pytest.fixture(scope="module")
def coded(tiny_folder, tmp_path_factory):
    """Grids, an entropy-coded block format, outliers, and plain tensors in one file."""
    return build(tiny_folder, tmp_path_factory.mktemp("coded") / "m.tab", *RULES)


def test_the_file_shrinks_and_the_model_does_not_change(tiny_folder, tmp_path):
    paths = [
        build(tiny_folder, tmp_path / f"{n}.tab", name) for n, name in enumerate(("t:6/row/rms", "t:6/row/rms/entropy"))
    ]
    assert paths[1].stat().st_size < 0.95 * paths[0].stat().st_size
    with tabulae.load(paths[0]) as plain, tabulae.load(paths[1], verify=True) as entropy:
        np.testing.assert_array_equal(plain.logits(TOKENS), entropy.logits(TOKENS))


def test_every_kernel_gives_the_integers_of_the_file(coded):
    assert tabulae.check(coded).ok


def test_decoded_weights_are_those_of_the_formats(coded, tiny_folder):
    with tabulae.open(tiny_folder) as model, open_table_model(coded) as file:
        for record in (record for record in file.document.tensors if isinstance(record, TableRecord)):
            expected = tabulae.formats.encode(tabulae.formats.parse(record.format), model.read(record.name)).decode()
            np.testing.assert_array_equal(file.matrix(record.name).decode(), expected)


def test_the_same_bytes_twice(coded, tiny_folder, tmp_path):
    again = build(tiny_folder, tmp_path / "m.tab", *RULES)
    assert again.read_bytes() == coded.read_bytes()


def test_golden_tensors(coded):
    """Frozen: a change of these bytes is a change of the format or of its meaning."""
    digest = xxhash.xxh3_128()
    with open_table_model(coded) as file:
        for record in file.document.tensors:
            digest.update(file.stored(record.name))
    assert digest.hexdigest() == "25409ede4b6d997b189ad64859965a6a"


def test_both_sizes_are_told(coded):
    found = describe(coded)
    for tensor in found.tensors:
        variable = "grid" in tensor.format or "entropy" in tensor.format
        assert tensor.memory > tensor.bytes if variable else tensor.memory == tensor.bytes
    assert found.memory == sum(tensor.memory for tensor in found.tensors)
    text = CliRunner().invoke(app, ["info", str(coded), "--tensors"]).output
    assert "in memory" in text and "codes of variable length are expanded" in text


def test_a_damaged_block_is_named_when_the_model_is_loaded(coded, tmp_path):
    data = bytearray(coded.read_bytes())
    with open_table_model(coded) as file:
        record = next(r for r in file.document.tensors if isinstance(r, TableRecord) and r.coding)
        at = data.find(file.arrays(record.name)["codes"].tobytes())
    data[at + record.coding.length // 2] ^= 0x10
    (tmp_path / "m.tab").write_bytes(data)
    with pytest.raises(TableModelError, match=rf"\[tensor {record.name}\] .* block 0 must end in its first state"):
        tabulae.load(tmp_path / "m.tab")
    report = tabulae.check(tmp_path / "m.tab")
    assert not report.ok and f"[tensor {record.name}]" in report.problems[0]
