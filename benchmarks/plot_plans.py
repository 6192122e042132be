"""What benchmarks/bench_plans.py saved, as a figure: docs/figures/plans.svg (benchmarks/tables.py makes the table).

python benchmarks/plot_plans.py [plans.jsonl]        # default: benchmarks/results/plans.jsonl
"""

import json
import sys
from pathlib import Path
from typing import Any

from inputs import skip
from tables import DOCS, OURS, RESULTS, is_ours, said

FIGURE = DOCS / "figures" / "plans.svg"


def main() -> None:
    """Draw."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "plans.jsonl"
    draw(sorted(map(json.loads, path.read_text().splitlines()), key=lambda row: (-row["bits"], row["what"])))


def draw(rows: list[dict[str, Any]]) -> None:
    """KL against bits, weights alone and complete."""
    try:
        import matplotlib
    except ImportError:
        skip("needs matplotlib: pip install 'tabulae[plots]'")
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tabulae"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for axis, what in zip(axes, ("alone", "complete"), strict=True):
        for kind, mark in (("llama.cpp", "s"), ("plan", "o"), ("entropy", "^")):
            own = [row for row in rows if kind == (row["what"] if is_ours(row) else "llama.cpp")]
            points = [(row["bits"], row[what]) for row in own if row[what] is not None]
            axis.plot(*zip(*points, strict=True), marker=mark, label=OURS.get(kind, kind))
        title = "weights alone" if what == "alone" else what
        measure = said(rows, "measure" if what == "alone" else "measure_complete")
        axis.set(title=title + measure, xlabel=f"bits per parameter{said(rows, 'counted', 'file')}", yscale="log")
        axis.grid(alpha=0.3, which="both")
    axes[0].set_ylabel("KL (nats)")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
