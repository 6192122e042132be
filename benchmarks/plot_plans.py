"""What benchmarks/bench_plans.py saved, as a figure and as a table for docs/formats.md.

python benchmarks/plot_plans.py plans.jsonl        # writes docs/figures/plans.svg, prints the table
"""

import json
import sys
from pathlib import Path
from typing import Any

from inputs import skip

FIGURE = Path(__file__).parent.parent / "docs" / "figures" / "plans.svg"
OURS = {"plan": "tabulae, fixed-length", "entropy": "tabulae, --entropy"}
HEAD = "| | bits | in memory | KL, weights alone | KL, complete | rho |"


def main() -> None:
    """Draw and print."""
    rows = [json.loads(text) for text in Path(sys.argv[1]).read_text().splitlines()]
    rows.sort(key=lambda row: (-row["bits"], row["what"]))
    print(HEAD + "\n| --- |" + " ---: |" * 5)
    for row in rows:
        name, rho = OURS.get(row["what"], f"llama.cpp {row['what']}"), row["alone"] * 4 ** row["bits"]
        cells = f"{row['bits']:.2f} | {row['memory'] or row['bits']:.2f}"
        print(f"| {name} | {cells} | {row['alone']:.4f} ± {row['se']:.4f} | {row['complete']:.4f} | {rho:.0f} |")
    draw(rows)


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
            points = [(row["bits"], row[what]) for row in rows if kind == row["what"] or kind == peer(row)]
            axis.plot(*zip(*points, strict=True), marker=mark, label=OURS.get(kind, kind))
        title = "weights alone" if what == "alone" else what
        axis.set(title=title, xlabel="bits per parameter, all tensors", yscale="log")
        axis.grid(alpha=0.3, which="both")
    axes[0].set_ylabel("KL (nats)")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(FIGURE, metadata={"Date": None})


def peer(row: dict[str, Any]) -> str:
    """The name of the curve of somebody else's model."""
    return "" if row["what"] in OURS else "llama.cpp"


if __name__ == "__main__":
    main()
