"""docs/formats.md: what it names exists, what it shows is there."""

import re
from pathlib import Path

import pytest

from tabulae.formats import parse

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))
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


@pytest.mark.parametrize("title", ["families", "scales", "llama.cpp"])
def test_tables_stand_where_the_script_puts_them(title):
    head = PAGE.partition(f"<!-- table: {title} -->\n")[2].splitlines()[0]
    assert head.startswith("| format | bits | in memory |")


def test_the_table_of_whole_models_is_of_the_script():
    head, _, *rows = PAGE.partition("<!-- table: plans -->\n")[2].partition("\n\n")[0].splitlines()
    assert head == "| | bits | in memory | KL, weights alone | KL, complete | rho |" and len(rows) > 15
    for row in rows:
        bits, kl, rho = (float(row.split("|")[at].split()[0]) for at in (2, 4, 6))
        assert kl * 4**bits == pytest.approx(rho, rel=0.04)  # half a unit of what is printed, of all three
