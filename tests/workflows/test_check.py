"""check: all well on a good file, and not on one whose data were changed."""

from importlib import import_module

from tiny_folder import write_folder

import tabulae
from tabulae import _native
from tabulae.artifact.reader import open_table_model
from tabulae.runtime.engine import Engine

check = import_module("tabulae.workflows.check")  # the package offers a function of this name


def test_a_good_file(tiny_tab):
    report = tabulae.check(tiny_tab)
    assert report.ok and not report.problems and report.widest <= 53
    assert {(k.isa, k.arithmetic) for k in report.kernels} == {
        (i, a) for i in _native.isas() for a in ("multiply", "lookup")
    }
    assert len({run.sha256 for run in report.hashes}) == 1 and len(report.hashes) == 6 * len(_native.isas())
    assert {(run.threads, run.pieces) for run in report.hashes} == {(1, 1), (2, 3), (3, 2)}


def test_the_hash_is_of_80_tokens_where_the_context_allows(tmp_path, monkeypatch):
    """More than one batch, and more than one round of the lanes in attention."""
    with tabulae.open(write_folder(tmp_path / "model", max_position_embeddings=128)) as model:
        path = model.build(tmp_path / "m.tab")
    batches = []

    class Watched(Engine):
        def batch(self, parts, *more):
            batches.extend((part.start, part.positions) for part in parts)
            return super().batch(parts, *more)

    monkeypatch.setattr(check, "Engine", Watched)
    assert tabulae.check(path).ok
    ways = [[(0, 64), (64, 16)], [(0, 1), (1, 3), (4, 64), (68, 12)], [(0, 50), (50, 30)]]
    assert batches == [batch for way in ways for batch in way * 2] * len(_native.isas())


def place_of(path, name):
    """Where the slot of a tensor begins in the file: a table's codes, a float's values."""
    with open_table_model(path) as file:
        data, whole = (array.__array_interface__["data"][0] for array in (file.stored(name), file._data))
    return 8 + int.from_bytes(path.read_bytes()[:8], "little") + data - whole


def test_changed_codes_are_named(tiny_tab, tmp_path):
    data = bytearray(tiny_tab.read_bytes())
    data[place_of(tiny_tab, "model.layers.1.mlp.up_proj.weight") + 100] ^= 1
    path = tmp_path / "m.tab"
    path.write_bytes(data)
    told = []
    report = tabulae.check(path, tell=told.append)
    assert not report.ok and len(report.problems) >= 1 and tuple(map(str, told)) == report.problems
    assert not any(kernel.differing for kernel in report.kernels)  # the kernels are still right on what is there


def test_what_was_found_is_told_even_if_the_model_cannot_run(tiny_tab, tmp_path):
    data = bytearray(tiny_tab.read_bytes())
    start = place_of(tiny_tab, "model.norm.weight")
    data[start : start + 4] = b"\x00\x00\xc0\x7f"  # NaN
    (tmp_path / "m.tab").write_bytes(data)
    report = tabulae.check(tmp_path / "m.tab")
    assert not report.ok and any("hash" in problem for problem in report.problems) and report.kernels
