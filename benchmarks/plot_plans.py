"""What benchmarks/bench_plans.py saved, as a figure: docs/figures/plans.svg (benchmarks/tables.py makes the table).

python benchmarks/plot_plans.py [plans.jsonl]        # default: benchmarks/results/plans.jsonl
"""

import json
import sys
from pathlib import Path
from typing import Any

from inputs import skip
from tables import DOCS, OURS, RESULTS, is_ours, of, said

FIGURE = DOCS / "figures" / "plans.svg"


def main() -> None:
    """Draw."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "plans.jsonl"
    draw(sorted(map(json.loads, path.read_text().splitlines()), key=lambda row: (-row["bits"], row["what"])))


def draw(rows: list[dict[str, Any]]) -> None:
    """KL against bits, weights alone and complete, a row of panels for each model, on wiki.test.raw."""
    try:
        import matplotlib
    except ImportError:
        skip("needs matplotlib: pip install 'tabulae[plots]'")
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tabulae"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    rows = [row for row in rows if row["text"] == "wiki.test.raw"]
    models = sorted({row["model"] for row in rows})
    size = (9, 3.6 * len(models))
    figure, panels = pyplot.subplots(len(models), 2, figsize=size, sharey="row", squeeze=False)
    for axes, model in zip(panels, models, strict=True):
        panel(axes, of(rows, model=model), f"{model}: " if len(models) > 1 else "")
    panels[0, 0].legend()
    figure.tight_layout()
    figure.savefig(FIGURE, metadata={"Date": None})


def panel(axes: Any, rows: list[dict[str, Any]], model: str) -> None:
    """One model."""
    for axis, what in zip(axes, ("alone", "complete"), strict=True):
        for kind, mark in (("llama.cpp", "s"), ("plan", "o"), ("entropy", "^")):
            own = [row for row in rows if kind == (row["what"] if is_ours(row) else "llama.cpp")]
            points = [(row["bits"], row[what]) for row in own if row[what] is not None]
            axis.plot(*(zip(*points, strict=True) if points else ((), ())), marker=mark, label=OURS.get(kind, kind))
        title = "weights alone" if what == "alone" else what
        measure = said(rows, "measure" if what == "alone" else "measure_complete")
        bits = f"bits per parameter{said(rows, 'counted', 'file')}"
        axis.set(title=model + title + measure, xlabel=bits, yscale="log")
        axis.grid(alpha=0.3, which="both")
    axes[0].set_ylabel("KL (nats)")


if __name__ == "__main__":
    main()
