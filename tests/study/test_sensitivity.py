import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tables import float_model

from tabulae.epoch import EPOCH
from tabulae.errors import FileError, UsageError
from tabulae.study.sensitivity import Sensitivity, checked, predicted_kl, read, relative_error, write

NAMES = ("a", "b")
RECORD = Sensitivity(EPOCH, "model", "measured", "text", {"a": 1.5, "b": 0.0}, {"a": 0.1, "b": 1 / 3})


@pytest.mark.parametrize("record", [RECORD, Sensitivity(EPOCH, "model", "data-free", None, {"a": 1e-300, "b": 2.0})])
def test_round_trip(tmp_path: Path, record: Sensitivity) -> None:
    write(record, tmp_path / "s.json")
    assert read(tmp_path / "s.json", "model", NAMES) == record
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


Change = Callable[[dict[str, Any]], object]
MALFORMED: dict[str, tuple[Change, str]] = {
    "epoch": (lambda r: r.update(epoch=EPOCH - 1), f"the epoch must be {EPOCH}.* they are measured"),
    "another model": (lambda r: r.update(model="other"), "of the model model, but got one of other"),
    "unknown source": (lambda r: r.update(source="guess"), "JSON of their schema"),
    "unknown field": (lambda r: r.update(more=1), "JSON of their schema"),
    "no values": (lambda r: r.pop("values"), "JSON of their schema"),
    "a word": (lambda r: r["values"].update(a="much"), "JSON of their schema"),
    "unknown tensor": (lambda r: r["values"].update(c=1.0), "one of the model's, but got c"),
    "missing tensor": (lambda r: r["values"].pop("b"), "must be there, but got none for b"),
    "negative": (lambda r: r["values"].update(a=-1e-9), "not negative, but got -1e-09 for a"),
    "infinite": (lambda r: r["values"].update(b=1e999), "must be"),
    "nan": (lambda r: r["values"].update(b=float("nan")), "must be"),
    "se of an unknown tensor": (lambda r: r["se"].update(c=1.0), "se.*one of the model's"),
    "se missing": (lambda r: r["se"].pop("a"), "se.*none for a"),
    "se negative": (lambda r: r["se"].update(a=-1.0), "se.*not negative"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_records_are_refused(tmp_path: Path, case: str) -> None:
    change, message = MALFORMED[case]
    write(RECORD, tmp_path / "s.json")
    record = json.loads((tmp_path / "s.json").read_text())
    change(record)
    (tmp_path / "s.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=message) as error:
        read(tmp_path / "s.json", "model", NAMES)
    assert error.value.hint == "where there is no such file, they are measured and written"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_record_in_memory_is_checked_too(bad: float) -> None:
    assert checked(RECORD, "model", NAMES) is RECORD
    with pytest.raises(UsageError, match="finite and not negative"):
        checked(Sensitivity(EPOCH, "model", "fisher", None, {"a": bad}), "model", ["a"])


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("{")
    with pytest.raises(UsageError, match="JSON of their schema"):
        read(tmp_path / "text", "model", NAMES)
    with pytest.raises(FileError, match="must be readable"):
        read(tmp_path / "none", "model", NAMES)
    with pytest.raises(FileError, match="must be writable"):
        write(RECORD, tmp_path / "no" / "folder")


def test_tables_are_linears_and_embeddings_each_once() -> None:
    program, weights = float_model("qwen2")  # tied
    assert program.tables() == tuple(name for name in program.weights() if weights[name].ndim == 2)
    program, weights = float_model("gpt2")
    assert set(program.tables()) == {name for name, weight in weights.items() if weight.ndim == 2}


def test_relative_error_is_that_of_the_outputs_for_independent_inputs() -> None:
    rng = np.random.default_rng(0)
    w, error, importance = (rng.standard_normal(shape).astype(np.float32) for shape in ((5, 7), (5, 7), (7,)))
    importance = importance**2
    expected = (error**2 @ importance).sum() / (w**2 @ importance).sum()
    assert relative_error(w, w + error, importance) == pytest.approx(expected, rel=1e-5)
    assert relative_error(w, w + error, np.ones(7, np.float32)) == relative_error(w, w + error)
    assert relative_error(w, w) == relative_error(np.zeros_like(w), error) == 0
    assert relative_error(w, w + error, np.zeros(7, np.float32)) == 0


def test_predicted_losses_add_up() -> None:
    assert predicted_kl(RECORD.values, {"a": 0.5, "b": 9.0}) == 0.75
    assert predicted_kl(RECORD.values, {}) == 0
