"""docs/formats.md: what it names exists, what it shows is there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tabulae.formats import parse

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))
RESULTS = ROOT / "benchmarks" / "results"
SCRIPT = ROOT / "benchmarks" / "tables.py"
FORMATS = sorted(name for name in QUOTED if re.fullmatch(r"[a-z0-9]+(:\S+)?/(tensor|row|g\d+)/\S+", name))


@pytest.mark.parametrize("name", FORMATS)
def test_formats_can_be_parsed(name):
    form = parse(name.replace(":b/", ":4/"))
    assert str(parse(str(form))) == str(form)


def test_every_family_is_there():
    named = {name.partition("/")[0].partition(":")[0] for name in FORMATS}
    assert {"int", "normal", "laplace", "t", "lloyd", "nf4", "sf4", "e2m1", "e3m0", "ternary", "grid"} <= named
    assert len(FORMATS) > 20


def test_scripts_exist():
    scripts = set(re.findall(r"benchmarks/\w+\.py", PAGE))
    assert len(scripts) >= 6 and all((ROOT / script).is_file() for script in scripts)


@pytest.mark.parametrize("name", re.findall(r"\]\((figures/[^)]+)\)", PAGE))
def test_figures_are_small_and_say_no_date(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert len(text) < 60_000 and "<svg" in text and "<dc:date>" not in text
    models = ("llama.cpp", "tabulae, fixed-length", "tabulae, --entropy")
    for curve in models if "plans" in name else ("grid, row", "lloyd, g64, search", "int, g64, signmax"):
        assert f">{curve}</text>" in text


def test_tables_are_those_of_the_result_files():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0), "python benchmarks/tables.py brings the pages up to date"


def test_every_table_of_numbers_has_a_result_file():
    heads = re.findall(r"(?<!\|\n)\|.*\n\| ?-", "\n" + PAGE)
    marked = re.findall(r"<!-- table: (.+) -->\n\|", PAGE)
    by_model = re.findall(r"<!-- tables: (.+) -->\n", PAGE)
    tables = len(marked) + sum(len(models(name)) for name in by_model)
    assert len(heads) == tables + 1 and "| you want | format |" in PAGE  # the one that has words alone
    assert {path.stem for path in RESULTS.glob("*.jsonl")} == {*marked, *by_model}


def rows_of(name):
    """The rows of a result file."""
    return [json.loads(line) for line in (RESULTS / f"{name}.jsonl").read_text("utf-8").splitlines()]


def models(name):
    """The models, and the texts that they ran over, of which a result file has rows."""
    return {(row["model"], row["text"]) for row in rows_of(name)}


def test_no_column_mixes_measures_in_silence():
    rows = rows_of("plans")
    assert len(rows) > 15
    for model, text in models("plans"):
        (head,) = re.findall(rf"\n{re.escape(f'{model}, on {text}')}, \d+ windows:\n\n(.*)\n", PAGE)
        own = [row for row in rows if (row["model"], row["text"]) == (model, text)]
        measures = {row[key] for row in own for key in ("measure", "measure_complete")}
        assert measures <= {"full KL", "top-128"}
        assert all(measure in head for measure in measures) or measures == {"full KL"}
    for row in rows:  # llama.cpp's types name what they are not
        named = f"{row['what']} ({row['fell_back'] * 100:.0f} % fell back to {row['fell_back_to']})"
        assert not row["fell_back"] or named in PAGE
