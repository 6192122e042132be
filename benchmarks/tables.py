"""The tables of docs, from the result files that stand beside this script: nothing is pasted by hand.

    python benchmarks/tables.py           # brings every page up to date
    python benchmarks/tables.py --check   # says which pages differ, and changes nothing

Behind ``<!-- table: NAME -->`` stands what ``results/NAME.jsonl`` says. Its first line has the head, how many columns
are text, what was measured and where it comes from; every other line is a row of cells. Or every line is what one run
found: ``choices`` from bench_choices.py, ``allocation`` and ``order-and-bands`` from bench_plans.py. Between
``<!-- tables: plans -->`` and ``<!-- end -->`` bench_plans.py has a table for every model and text of which there are
results.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
MARK = re.compile(r"(<!-- table: ([^>]+) -->\n)((?:\|.*\n)*)")
MARKS = re.compile(r"(<!-- tables: ([^>]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
WRONG = 0.05  # how often a set of values that are all alike is said to differ
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
    page = MARKS.sub(lambda mark: f"{mark[1]}{by_model(read(mark[2]))}{mark[3]}", page)
    return MARK.sub(lambda mark: f"{mark[1]}{markdown(mark[2], read(mark[2]))}", page)


def read(name: str) -> list[Any]:
    """The lines of a result file; none where there is no file."""
    path = RESULTS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def markdown(name: str, lines: list[Any]) -> str:
    """One table."""
    if "head" in lines[0]:
        return rendered(lines[0]["head"], lines[1:], lines[0]["text"])
    return rendered(*FOUND[name](lines))


def by_model(rows: list[dict[str, Any]]) -> str:
    """A table for every model and text, under their names."""
    tables = dict.fromkeys((row["model"], row["text"]) for row in rows)
    found = (of(rows, model=model, text=text) for model, text in tables)
    return "".join(f"\n{title(own)}:\n\n{rendered(*plans(own))}" for own in found) + "\n"


def title(rows: list[dict[str, Any]]) -> str:
    """What a table is of, and the windows behind most of it; rows of fewer windows say so themselves."""
    return f"{rows[0]['model']}, on {rows[0]['text']}, {usual(rows)} windows"


def usual(rows: list[dict[str, Any]]) -> int:
    """The most windows."""
    return max(int(row["windows"]) for row in rows)


def of(rows: Iterable[dict[str, Any]], **wanted: Any) -> list[dict[str, Any]]:
    """The rows that have these values."""
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def rendered(head: Sequence[str], rows: Iterable[Sequence[str]], text: int = 1) -> str:
    """Markdown; all columns but the first ``text`` are numbers."""
    aligned = ["---"] * text + ["---:"] * (len(head) - text)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, aligned, *rows)).replace("|  |", "| |")


def save(name: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, text: int = 1, **about: str) -> None:
    """Write a result file; ``about``: what was measured (``measure``) and by what (``source``)."""
    lines = [{"head": list(head), "text": text, **about}, *map(list, rows)]
    write(name, lines)


def write(name: str, lines: Iterable[Any]) -> None:
    """Write the lines of a result file."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (RESULTS / f"{name}.jsonl").write_text(text, encoding="utf-8")


def put(name: str, row: dict[str, Any], same: Sequence[str]) -> None:
    """Add a row to a result file, in place of one that is the ``same`` in these fields, and of rows of mere cells."""
    lines = [one for one in read(name) if isinstance(one, dict) and "head" not in one]
    kept = [one for one in lines if any(one.get(key) != row[key] for key in same)]
    write(name, [*kept, row])


def choices(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]], int]:
    """Head and rows of constants that were chosen; the first value of each is the present one."""
    head, lines = ["constant", "value", "bits", "KL", "less the present one's"], []
    for name in dict.fromkeys(row["constant"] for row in rows):
        own = of(rows, constant=name)
        for row in own:
            change = "present" if row is own[0] else against(row["kl"], own[0]["kl"], len(own) - 1)
            lines.append([name, str(row["value"]), f"{row['bits']:.2f}", f"{np.mean(row['kl']):.4f}", change])
    return head, lines, 2


def allocation(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]], int]:
    """Head and rows of plans with measured and Fisher sensitivities, and of flat plans, within the same budgets."""
    lines = []
    for candidates in ("fixed-length", "with entropy codes"):
        own = of(rows, candidates=candidates)
        for budget in budgets(own):
            here = of(own, budget=budget)
            flat = [f"{rho(row):.1f} (at {row['bits']:.2f} bits)" for row in of(here, what="flat")]
            plans = [[f"{rho(row):.1f}" for row in here if row["what"] != "flat" and row["by"] == by] for by in SOURCES]
            lines.append([candidates, f"{budget:.4g}", *(("".join(cell) or "-") for cell in (flat, *plans))])
    return ["candidates", "bits", "flat", *SOURCES.values()], lines, 2


def order_and_bands(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]], int]:
    """Head and rows of plans with and without order and bands."""
    columns = [(kind, budget) for kind in ("plan", "entropy") for budget in budgets(of(rows, what=kind))]
    lines = []
    for whole in (True, False):
        found = [[f"{rho(row):.1f}" for row in of(rows, whole=whole, what=w, budget=b)] for w, b in columns]
        lines.append([WHOLE[whole], *("".join(cell) or "-" for cell in found)])
    names = {"plan": "fixed-length", "entropy": "entropy codes"}
    return ["", *(f"{names[kind]}, {budget:.4g} bits" for kind, budget in columns)], lines, 1


def budgets(rows: Iterable[dict[str, Any]]) -> list[float]:
    """Bits that were asked for, the most first."""
    return sorted({row["budget"] for row in rows}, reverse=True)


def against(kl: Sequence[float], present: Sequence[float], others: int) -> str:
    """A value's KL less the present one's, paired over windows, and whether it is not 0 by Student's t.

    Of sets with so many ``others`` that are all alike, 5 % are wrongly said to hold one that differs (Bonferroni).

    >>> against([0.31, 0.42, 0.53], [0.3, 0.4, 0.5], 1), against([0.311, 0.41, 0.512], [0.3, 0.4, 0.5], 1)
    ('+0.0200 ± 0.0058', '+0.0110 ± 0.0006, differs')
    """
    from scipy.special import stdtrit

    change = np.subtract(kl, present)
    mean, se = change.mean(), change.std(ddof=1) / len(change) ** 0.5
    differs = abs(mean) > stdtrit(len(change) - 1, 1 - WRONG / 2 / others) * se
    return f"{mean:+.4f} ± {se:.4f}{', differs' if differs else ''}"


def plans(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of whole models, the most bits first; columns say where they hold more than one measure."""
    rows = sorted(rows, key=lambda row: (-row["bits"], row["what"]))
    head = ["", f"bits{said(rows, 'counted', 'file')}", "in memory", f"KL, weights alone{said(rows, 'measure')}"]
    head += [f"KL, complete{said(rows, 'measure_complete')}", "rho"]
    return head, [cells(row, usual(rows)) for row in rows]


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


def cells(row: dict[str, Any], windows: int) -> list[str]:
    """One row, in a table of so many windows."""
    alone = f"{row['alone']:.4f} ± {row['se']:.4f}{fewer(row['windows'], windows)}"
    complete = row["complete"]
    ran = "-" if complete is None else f"{complete:.4f}{fewer(row['windows_complete'], windows)}"
    return [name_of(row), f"{row['bits']:.2f}", f"{row['memory'] or row['bits']:.2f}", alone, ran, f"{rho(row):.0f}"]


def fewer(windows: int, usual: int) -> str:
    """Said where a figure is of other windows than its table."""
    return "" if windows == usual else f" ({windows} windows)"


def rho(row: dict[str, Any]) -> float:
    """One bit is worth a factor of four."""
    return float(row["alone"] * 4 ** row["bits"])


SOURCES = {"measured": "measured", "fisher": "Fisher"}
WHOLE = {True: "whole tensors, in their order", False: "order and bands"}
FOUND = {"choices": choices, "allocation": allocation, "order-and-bands": order_and_bands}

if __name__ == "__main__":
    sys.exit(main())
