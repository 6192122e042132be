"""The tables of docs, from the result files that stand beside this script: nothing is pasted by hand.

    python benchmarks/tables.py           # brings every page up to date
    python benchmarks/tables.py --check   # says which pages differ, and changes nothing

Behind ``<!-- table: NAME -->`` stands what ``results/NAME.jsonl`` says. Its first line has the head, how many columns
are text, what was measured and where it comes from; every other line is a row. ``plans`` is what bench_plans.py saves,
a row for a model.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
MARK = re.compile(r"(<!-- table: ([^>]+) -->\n)((?:\|.*\n)*)")
OURS = {"plan": "tabulae, fixed-length", "entropy": "tabulae, --entropy", "flat": "tabulae, flat"}


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [page for page in sorted(DOCS.glob("*.md")) if filled(page.read_text("utf-8")) != page.read_text("utf-8")]
    for page in stale:
        print(f"{page}: {'differs from benchmarks/results' if check else 'written'}")
        if not check:
            page.write_text(filled(page.read_text("utf-8")), encoding="utf-8")
    return int(check and bool(stale))


def filled(page: str) -> str:
    """The page with every table as its result file has it."""
    return MARK.sub(lambda mark: f"{mark[1]}{markdown(mark[2])}", page)


def markdown(name: str) -> str:
    """One table."""
    lines = [json.loads(line) for line in (RESULTS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    if "head" not in lines[0]:
        return rendered(*plans(lines))
    return rendered(lines[0]["head"], lines[1:], lines[0]["text"])


def rendered(head: Sequence[str], rows: Iterable[Sequence[str]], text: int = 1) -> str:
    """Markdown; all columns but the first ``text`` are numbers."""
    aligned = ["---"] * text + ["---:"] * (len(head) - text)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, aligned, *rows)).replace("|  |", "| |")


def save(name: str, head: Sequence[str], rows: Iterable[Sequence[str]], **about: str) -> None:
    """Write a result file; ``about``: what was measured (``measure``) and by what (``source``)."""
    lines = [{"head": list(head), "text": 1, **about}, *map(list, rows)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (RESULTS / f"{name}.jsonl").write_text(text, encoding="utf-8")


def plans(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of whole models, the most bits first; columns say where they hold more than one measure."""
    rows = sorted(rows, key=lambda row: (-row["bits"], row["what"]))
    head = ["", f"bits{said(rows, 'counted', 'file')}", "in memory", f"KL, weights alone{said(rows, 'measure')}"]
    head += [f"KL, complete{said(rows, 'measure_complete')}", "rho"]
    return head, [cells(row) for row in rows]


def said(rows: list[dict[str, Any]], key: str, usual: str = "full KL") -> str:
    """What a column holds, where it is not the usual."""
    by_side = {side: {row[key] for row in rows if is_ours(row) == side} for side in (True, False)}
    if by_side[True] == by_side[False] or not all(by_side.values()):
        held = set.union(*by_side.values())
        return "" if held == {usual} else f" ({', '.join(sorted(held))})"
    return f" (tabulae: {', '.join(sorted(by_side[True]))}; llama.cpp: {', '.join(sorted(by_side[False]))})"


def is_ours(row: dict[str, Any]) -> bool:
    """Whether a row is of a table model."""
    return row["what"] in OURS


def name_of(row: dict[str, Any]) -> str:
    """A table model's kind, or llama.cpp's type with the share of its weights that is of other types."""
    share = f" ({row['fell_back']:.0%} fell back to {row['fell_back_to']})" if row["fell_back"] else ""
    return OURS.get(row["what"], f"llama.cpp {row['what']}{share.replace('%', ' %')}")


def cells(row: dict[str, Any]) -> list[str]:
    """One row."""
    complete = "-" if row["complete"] is None else f"{row['complete']:.4f}"
    sizes = f"{row['bits']:.2f}", f"{row['memory'] or row['bits']:.2f}"
    return [name_of(row), *sizes, f"{row['alone']:.4f} ± {row['se']:.4f}", complete, f"{rho(row):.0f}"]


def rho(row: dict[str, Any]) -> float:
    """One bit is worth a factor of four."""
    return float(row["alone"] * 4 ** row["bits"])


if __name__ == "__main__":
    sys.exit(main())
