"""Tables from what runs found: one for each model, rows in place of older ones, blanks where nothing was measured."""

import json

import pytest

import bench_entropy
import bench_passes
import bench_precalibration
import tables

RUN = {"model": "a", "se": 0.01, "complete": 0.2, "memory": None, "fell_back": 0, "fell_back_to": "", "counted": "file"}
RUN |= {"measure": "full KL", "measure_complete": "full KL", "whole": False, "by": "measured"}
RUN |= {"text": "t", "windows": 8, "windows_complete": 8}


def row(what, **other):
    return RUN | {"what": what, "bits": 4.0, "alone": 0.125, "budget": 4.0} | other


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    return tmp_path


def test_every_model_and_text_has_a_table_of_its_own(results):
    rows = [row("plan"), row("Q4_K_M", model="b", measure="top-128"), row("flat"), row("plan", text="u", windows=4)]
    tables.write("plans", rows)
    page = tables.filled("<!-- tables: plans -->\nold\n<!-- end -->\nbehind\n")
    first, rest = page.split("\na, on t, 8 windows:\n")[1].split("\nb, on t, 8 windows:\n")
    second, third = rest.split("\na, on u, 4 windows:\n")
    assert "| tabulae, fixed-length | 4.00 | 4.00 | 0.1250 ± 0.0100 | 0.2000 | 32 |" in first
    assert "tabulae, flat" in first and "top-128" not in first
    assert "llama.cpp Q4_K_M" in second and "KL, weights alone (top-128)" in second
    assert "| 0.1250 ± 0.0100 | 0.2000 (8 windows) |" in third
    assert page.endswith("|\n\n<!-- end -->\nbehind\n") and "old" not in page and tables.filled(page) == page


def test_no_results_no_table(results):
    assert tables.filled("<!-- tables: plans -->\n<!-- end -->\n") == "<!-- tables: plans -->\n\n<!-- end -->\n"


def test_a_row_takes_the_place_of_its_like_and_of_mere_cells(results):
    (results / "plans.jsonl").write_text('{"head": ["a"], "text": 1}\n["x"]\n')
    for alone in (1.0, 2.0):
        tables.put("plans", row("plan", alone=alone), ("what", "model"))
        tables.put("plans", row("plan", alone=alone, model="b"), ("what", "model"))
    found = [json.loads(line) for line in (results / "plans.jsonl").read_text().splitlines()]
    assert [(one["model"], one["alone"]) for one in found] == [("a", 2.0), ("b", 2.0)]


def test_allocation():
    rows = [row("flat", candidates="fixed-length", bits=3.0, alone=0.5), row("plan", candidates="fixed-length")]
    rows += [row("entropy", candidates="with entropy codes", by="fisher", alone=0.25)]
    head, lines, text = tables.allocation(rows)
    assert (head, text) == (["candidates", "bits", "flat", "measured", "Fisher"], 2)
    assert lines == [
        ["fixed-length", "4", "32.0 (at 3.00 bits)", "32.0", "-"],
        ["with entropy codes", "4", "-", "-", "64.0"],
    ]


def test_order_and_bands():
    rows = [row("plan"), row("plan", whole=True, alone=0.25), row("entropy", budget=6.5609, bits=6.5)]
    head, lines, _ = tables.order_and_bands(rows)
    assert head == ["", "fixed-length, 4 bits", "entropy codes, 6.561 bits"]
    assert lines == [["whole tensors, in their order", "64.0", "-"], ["order and bands", "32.0", "1024.0"]]


def test_choices_stand_against_the_present_value():
    rows = [{"constant": "gain", "value": "ls", "bits": 4.13, "kl": [0.3, 0.4, 0.5]}]
    rows += [{"constant": "gain", "value": "unbiased", "bits": 4.13, "kl": [0.311, 0.41, 0.512]}]
    head, lines, text = tables.choices(rows)
    assert (len(head), text) == (5, 2)
    assert lines[0] == ["gain", "ls", "4.13", "0.4000", "present"]
    assert lines[1] == ["gain", "unbiased", "4.13", "0.4110", "+0.0110 ± 0.0006, differs"]


def test_coders_side_by_side():
    speeds = [
        bench_entropy.Speed(coder, codes, 1.0013, 223, 717, 900)
        for codes in ("grid:3", "grid:4", "16 codes")
        for coder in ("ours", "zstd")
    ]
    found = list(bench_entropy.cells(speeds))
    assert found[0] == ["ours", "`grid:3` / `grid:4`", ".13 / .13 %", "223 / 223", "717 / 717"]
    assert [line[:2] for line in found[1:]] == [["zstd", found[0][1]], ["ours", "16 codes"], ["zstd", "16 codes"]]


def test_passes_down_and_formats_across():
    found = [{"passes": names, "format": name, "KL": 0.25} for names in ("", "a,b") for name in ("f", "g@")]
    head, lines = bench_passes.table(found, ["f", "g@"])
    assert head == ["passes", "`f`", "`g`, importance"]
    assert lines == [["none", "0.250", "0.250"], ["`a,b`", "0.250", "0.250"]]


def test_methods_of_precalibration():
    rows = [
        bench_precalibration.Row(tensor, f"lloyd:{code}/g64/search", 0.15 + code, 0, db, db, 0, code)
        for code in (4, 3)
        for tensor, db in (("a", -20.0), ("b", -21.0))
    ]
    rows.append(bench_precalibration.Row("a", "nf4/g64/absmax", 4.15, 0, -20.27, 4.7, 0, 4))
    assert bench_precalibration.head((4, 3)) == [
        "method",
        "4-bit codes: bits",
        "dB",
        "score",
        "3-bit codes: bits",
        "dB",
        "score",
    ]
    assert bench_precalibration.cells(rows, (4, 3)) == [
        ["lloyd:b/g64/search", "4.15", "-20.50", "-20.50", "3.15", "-20.50", "-20.50"],
        ["nf4/g64/absmax", "4.15", "-20.27", "4.70", "-", "-", "-"],
    ]


def test_what_docs_show_of_precalibration_is_measured():
    lines = tables.read("pre-calibration")
    assert [line[0] for line in lines[1:]] == list(bench_precalibration.SHOWN)
    assert (
        lines[0]["head"] == bench_precalibration.head((4, 3, 2)) and lines[0]["measure"] == bench_precalibration.MEASURE
    )
