"""Error per bit of every family: tables and curves of docs/formats.md.

    python benchmarks/plot_formats.py [--model dithered.gguf] [--save] [--curves] [--json]

R = RMS(error) / RMS(weights), as stored: integer codepoints, bfloat16 scales, int8 multipliers. bits: everything
counted (codes of variable length as the stream really is). R 2^b is what remains of the error when every bit halves it:
lower is better, and formats of different sizes can be compared. Sources: 2^19 independent weights of three
distributions; with --model three tensors of a trained model, at most 2^19 weights of each, too. --save writes
benchmarks/results, from which tables.py makes those of the page, and draws its figures (needs matplotlib: pip install
'tabulae[plots]'); the same numbers give the same files. --curves prints what is drawn.
"""

import argparse
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tables
import tabulae
from bench_formats import relative_error, sample
from inputs import skip
from tabulae.formats import encode, parse
from tabulae.formats.encoded import count_bits
from tabulae.statistics import sampled_rows

SHAPE = (256, 2048)
TENSORS = {
    "q, layer 0": "model.layers.0.self_attn.q_proj.weight",
    "down, layer 14": "model.layers.14.mlp.down_proj.weight",
    "embedding": "model.embed_tokens.weight",
}
FAMILIES = (
    "int:8/row/absmax",
    "t:8/g128/search",
    "int:4/g64/signmax",
    "normal:4/g64/signmax",
    "laplace:4/g64/signmax",
    "t:4,nu=5/g64/signmax",
    "lloyd:4/g64/search",
    "nf4/g64/absmax",
    "sf4/g64/absmax",
    "e2m1/g64/absmax",
    "e3m0/g64/absmax",
    "ternary/g64/search",
    "grid:4/row/rms",
)
SCALINGS = (
    "normal:4/tensor/rms",
    "normal:4/row/rms",
    "normal:4/row/search",
    "normal:4/row/absmax",
    "normal:4/g128/signmax",
    "normal:4/g64/absmax",
    "normal:4/g64/signmax",
    "normal:4/g64/search",
    "normal:4/g32/signmax",
    "normal:4/row/search/sparse=0.001",
    "lloyd:4/row/rms",
    "lloyd:4/g32/search",
    "int:4/g64/signmax/entropy",
    "normal:4/g64/signmax/entropy",
    "grid:4,rd=0/row/rms",
    "grid:4/row/rms",
    "grid:4/tensor/rms",
    "grid:4/row/rms/sparse=0.001",
)
PEERS = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")  # what llama.cpp's Python package can write
CURVES = {  # name: format, the bits of its points
    "grid, row": ("grid:{b}/row/rms", (1.5, 2, 3, 4, 5, 6)),
    "int, g64, entropy": ("int:{b}/g64/signmax/entropy", (3, 4, 5, 6)),
    "lloyd, g32, search": ("lloyd:{b}/g32/search", (2, 3, 4, 5, 6)),
    "lloyd, g64, search": ("lloyd:{b}/g64/search", (2, 3, 4, 5, 6)),
    "normal, g64, signmax": ("normal:{b}/g64/signmax", (3, 4, 5, 6)),
    "int, g64, signmax": ("int:{b}/g64/signmax", (2, 3, 4, 5, 6)),
    "lloyd, row": ("lloyd:{b}/row/rms", (2, 3, 4, 5, 6)),
    "nf4, g64": ("nf4/g64/absmax", (4,)),
    "e2m1, g64": ("e2m1/g64/absmax", (4,)),
    "ternary, g64": ("ternary/g64/search", (2,)),
}
LIMITS = {"normal": 1.0, "laplace": 0.93019, "t5": 0.95423}  # R 2^b of the Shannon lower bound: no code is below
COLOURS = ("#0b7a75", "#6fb98f", "#1f4e9c", "#6a9be8", "#c0392b", "#e79b5b", "#7d5ba6", "#111111", "#777777", "#b58900")
HEIGHT = (0.8, 2.5)


@dataclass(frozen=True)
class Point:
    """One format on one source."""

    source: str
    format: str
    bits: float  # in the file
    memory: float  # bits while it runs: more where codes of variable length are expanded
    error: float  # R

    @property
    def efficiency(self) -> float:
        """R 2^b."""
        return self.error * 2**self.bits


def main() -> None:
    """Print the tables, or what is drawn; draw."""
    options = arguments()
    sources = dict(weights(options.model))
    wanted = {"families": FAMILIES, "scales": SCALINGS, "llama.cpp": PEERS}
    found = {title: [measure_all(name, sources) for name in names] for title, names in wanted.items()}
    curves = {}
    if options.curves or options.save or options.json:
        curves = {name: list(curve(*one, sources)) for name, one in CURVES.items()}
    if options.json:
        points = [point for row in [*flat(found.values()), *curves.values()] for point in row]
        print(json.dumps([asdict(point) for point in points], indent=1))
        return
    texts = {title: [cells(row) for row in rows] for title, rows in found.items()}
    for title, rows in texts.items():
        print(f"\n{title}\n{tables.rendered(head_of(list(sources)), rows)}")
    for name, points in curves.items() if options.curves else ():
        print(f"\n{name}")
        for p in points:
            print(f"  {p.source:16} {p.format:32} {p.bits:7.3f} bits  R {p.error:.5f}  R 2^b {p.efficiency:.4f}")
    if options.save:
        about = {"measure": "R and bits of the tensors alone", "source": "benchmarks/plot_formats.py"}
        for title, rows in texts.items():
            tables.save(title, head_of(list(sources)), rows, **about)
        draw_all(tables.DOCS / "figures", curves, list(sources))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a trained model (SmolLM2-135M in the docs)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results and the figures of docs")
    parser.add_argument("--curves", action="store_true", help="print the points of the curves too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.save and not importlib.util.find_spec("matplotlib"):
        skip("drawing needs matplotlib (pip install 'tabulae[plots]')")
    return options


def weights(model: Path | None) -> Iterator[tuple[str, np.ndarray]]:
    """Every source and its weights, float32 [rows, cols]."""
    for source in LIMITS:
        yield source, sample(source, SHAPE)
    if model is None:
        return
    with tabulae.open(model) as trained:
        for label, name in TENSORS.items():
            w = trained.read(name)
            yield label, w[sampled_rows(*w.shape, most=SHAPE[0] * SHAPE[1])]


def measure_all(name: str, sources: Mapping[str, np.ndarray]) -> list[Point]:
    """One format on every source."""
    one = measure_peer if name in PEERS else measure
    return [one(source, name, w) for source, w in sources.items()]


def measure(source: str, name: str, w: np.ndarray) -> Point:
    """One format on one source."""
    encoded = encode(parse(name), w)
    memory = count_bits(encoded.matrix, encoded.format.element.own_codebook)
    return Point(source, name, encoded.bits / w.size, memory / w.size, relative_error(encoded.decode(), w))


def measure_peer(source: str, name: str, w: np.ndarray) -> Point:
    """One of llama.cpp's types, by its own code."""
    import gguf
    from gguf.quants import dequantize, quantize

    kind = gguf.GGMLQuantizationType[name]
    stored = quantize(w, kind)
    bits = 8 * stored.nbytes / w.size
    return Point(source, name, bits, bits, relative_error(dequantize(stored, kind), w))


def curve(name: str, bits: Iterable[float], sources: Mapping[str, np.ndarray]) -> Iterator[Point]:
    """The points of one line in every panel."""
    for b in bits:
        yield from measure_all(name.format(b=b), sources)


def flat(groups: Iterable[list[list[Point]]]) -> list[list[Point]]:
    """The rows of all tables."""
    return [row for rows in groups for row in rows]


def head_of(sources: list[str]) -> list[str]:
    """The columns of a table."""
    return ["format", "bits", "in memory", *sources, "R 2^b"]


def cells(row: list[Point]) -> list[str]:
    """Mean bits in file and memory, R on every source, the (geometric) mean of R 2^b."""
    mean = np.exp(np.mean([np.log(p.efficiency) for p in row]))
    bits = [f"{np.mean([getattr(p, size) for p in row]):.2f}" for size in ("bits", "memory")]
    return [f"`{row[0].format}`", *bits, *(f"{p.error:.4f}" for p in row), f"{mean:.3f}"]


def draw_all(folder: Path, curves: Mapping[str, list[Point]], sources: list[str]) -> None:
    """One figure for the distributions, one for tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, panels in {"sources": sources[:3], "tensors": sources[3:]}.items():
        if panels:
            path = folder / f"formats-{name}.svg"
            draw(path, curves, panels)
            print(f"{path}: {path.stat().st_size:,} bytes")


def draw(path: Path, curves: Mapping[str, list[Point]], panels: list[str]) -> None:
    """R 2^b against bits, a panel for each source."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "tabulae", "font.sans-serif": ["DejaVu Sans"]}
    figure, axes = plt.subplots(1, len(panels), figsize=(10, 4.2), sharey=True, layout="constrained")
    for axis, source in zip(axes, panels, strict=True):
        for (name, points), colour in zip(curves.items(), COLOURS, strict=True):
            own = [p for p in points if p.source == source]
            axis.plot([p.bits for p in own], [p.efficiency for p in own], ".-", color=colour, label=name, lw=1.2)
        decorate(axis, source)
    axes[0].set_ylabel("error times 2^bits (lower is better)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def decorate(axis: Any, source: str) -> None:
    """Title, limits, the bound where there is one."""
    axis.set(title=source, xlabel="bits per weight, everything counted", xlim=(1.4, 6.8), ylim=HEIGHT)
    axis.set_yticks([1, 1.5, 2, 2.5])
    axis.grid(color="#dddddd", lw=0.5)
    axis.spines[["top", "right"]].set_visible(False)
    if source in LIMITS:
        axis.axhline(LIMITS[source], color="#999999", lw=0.8, ls="--")
        axis.text(6.8, LIMITS[source] - 0.03, "no code is below", ha="right", va="top", color="#777777", fontsize=7)


if __name__ == "__main__":
    main()
