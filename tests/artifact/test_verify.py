"""Full verification."""

import pytest

from tabulae.artifact.reader import open_table_model
from tabulae.artifact.verify import verify
from tabulae.errors import TableModelError


def test_a_whole_file(tiny):
    seen = []
    with open_table_model(tiny) as file:
        report = verify(file, lambda *arguments: seen.append(arguments))
    assert report.problems == ()
    report.require()
    assert [(row.name, row.format) for row in report.rows] == [
        ("q.weight", "normal:3/g32/signmax/sparse=0.005"),
        ("norm.weight", "float32"),
        ("head.weight", "int:8/tensor/rms"),
        ("tabulae.tokenizer", "bytes"),
    ]
    assert [row.bytes for row in report.rows] == [1280, 64, 1216, 64]
    assert [row.accumulator for row in report.rows] == [32, None, 32, None]
    names = list(enumerate(row.name for row in report.rows))
    assert seen == [(f"{step} of {name}", done, 4) for step in ("hash", "widths") for done, name in names]


def test_a_broken_hash_is_told_before_anything_is_proved(altered, tmp_path):
    altered.poke("head.weight.codes", 0, b"\xff")
    seen = []
    with open_table_model(altered.save(tmp_path / "altered.tab")) as file:
        report = verify(file, lambda now, *_: seen.append(now), seen.append)
    (problem,) = report.problems
    assert seen.index("hash of head.weight") + 1 == seen.index(problem) < seen.index("widths of q.weight")


def test_every_problem_has_its_row(altered, tmp_path):
    altered.poke("q.weight.codes", 0, b"\xff")
    altered.poke("tabulae.tokenizer.bytes", 0, b"[")
    with open_table_model(altered.save(tmp_path / "altered.tab")) as file:
        report = verify(file)
    assert [row.problem is None for row in report.rows] == [False, True, True, False]
    with pytest.raises(TableModelError, match=r"\[tensor q.weight\] its hash must be .* the file was altered"):
        report.require()


@pytest.mark.parametrize("name", ["tensor q.weight", "tensor norm.weight", "blob tabulae.tokenizer"])
def test_a_wrong_hash_names_its_tensor_or_blob(altered, tmp_path, name):
    next(record for record in altered.records() if record["name"] in name)["hash"] = "0" * 16
    with pytest.raises(TableModelError, match=rf"\[{name}\] its hash must be 0000000000000000"):
        open_table_model(altered.save(tmp_path / "altered.tab"), verify=True)


def lower_chunk(model):
    tensor = model.document["tensors"][0]
    tensor.update(granularity="row", group=40, chunk=1)


CASES = {
    "width": (
        lambda m: m.poke("q.weight.widths", 1, bytes([3])),
        r"\[tensor q.weight\] the width of panel 1 must be \d+ bits, but got 3",
    ),
    "accumulator": (
        lambda m: m.document["tensors"][0].update(accumulator=64),
        "chunk and accumulator must be 1 and 32, but got 1 and 64",
    ),
    "row that fills up": (lambda m: m.poke("q.weight.codes", 767, b"\x80"), "codes that fill up units must be 0"),
    "column that fills up": (lambda m: m.poke("head.weight.codes", 255, b"\1"), "codes that fill up units must be 0"),
    "float": (
        lambda m: m.poke("norm.weight.values", 0, b"\0\0\xc0\x7f"),
        r"\[tensor norm.weight\] every value must be finite",
    ),
    "codepoints": (lambda m: m.poke("q.weight.codebook", 0, bytes(8 * [127])), r"the width of panel 0 must be"),
}


@pytest.mark.parametrize("change, match", CASES.values(), ids=CASES)
def test_wrong_numbers_under_right_hashes(altered, tmp_path, change, match):
    change(altered)
    altered.rehash()
    path = altered.save(tmp_path / "altered.tab")
    open_table_model(path).close()
    with pytest.raises(TableModelError, match=match):
        open_table_model(path, verify=True)
