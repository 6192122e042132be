"""Statistical pre-calibration against plain scales: squared error at equal bits, on real tensors.

    python benchmarks/bench_precalibration.py [dithered.gguf] [--tensor NAME] ... [--bits 4] [--json | --table] [--save]

dB: squared error over squared weights, 10 log10, lower is better. bits: everything counted (codes, scales, zero points,
mask by an ideal entropy code; in brackets with the mask as indices). score = dB + 6.02 bits: what is left when a bit is
worth 6.02 dB, so methods of different sizes can be compared; lower is better. KL: of 256-bin histograms, in nats.

"min-max": uniform from the least to the largest weight of a group (round to nearest); "clipped": the same, its step
shrunk for the least squared error. "split": outliers and the others of a group on a min-max grid each (the published
pre-calibration, at shares of outliers). "offset": ours, a fixed number of outliers a group, coded by what they exceed.
"entropy-coded grid": one step a row, codes of any length. Formats are those of tabulae. "rotated": columns through
signs and Hadamard first (a rotation that can be absorbed costs nothing).
--table prints Markdown, the means over the tensors; --save writes those of docs to benchmarks/results.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import tables
import tabulae
from ideal_grid import grid
from inputs import smollm2
from tabulae.arithmetic.bfloat16 import round_bfloat16
from tabulae.arithmetic.rotation import random_rotation
from tabulae.calibration.offset_split import split_offset
from tabulae.calibration.range_split import RangeSplit, split_range
from tabulae.calibration.rotate_residual import turned_columns
from tabulae.calibration.split import Split, grouped
from tabulae.formats import encode, parse
from tabulae.statistics import describe_tensor, histogram_divergence

TENSORS = tuple(f"model.layers.{name}_proj.weight" for name in ("0.self_attn.k", "0.self_attn.v", "14.mlp.down"))
FIGURES = ("bits", "db", "score")
MEASURE = "squared error over squared weights; bits of the tensors alone"
SHOWN = (  # in docs
    "min-max g128",
    "min-max g32",
    "clipped g128",
    "clipped g64",
    "clipped g32",
    "nf4/g64/absmax",
    "lloyd:b/g64/search",
    "lloyd:b/g32/search",
    "lloyd:b/g64/search/sparse=0.005",
    "rotated, normal:b/g128/search",
    "split g128 symmetric 2%",
    "split g128 symmetric 5%",
    "split g128 asymmetric 2%",
    "split g128 asymmetric 5%",
    "split g128 asymmetric 8%",
    "offset g128 4 each",
    "offset g128 8 each",
    "offset g128 12 each",
    "entropy-coded grid",
)
DB_PER_BIT = 20 * np.log10(2)
SHRUNK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)


@dataclass(frozen=True)
class Row:
    """One method on one tensor."""

    tensor: str
    method: str
    bits: float
    bits_with_indices: float
    db: float
    score: float
    kl: float
    code: int = 0  # bits a code


def main() -> None:
    """Print a line for every method, tensor and number of bits; or their table."""
    options = arguments()
    found = []
    with tabulae.open(options.model) as model:
        for name in options.tensor:
            found += measure_tensor(name, model.read(name), options.bits, quiet=options.json or options.table)
    if options.json:
        print(json.dumps([asdict(row) for row in found], indent=1))
    elif options.table:
        print(tables.rendered(head(options.bits), cells(found, options.bits)))
    if options.save:
        rows = sorted(
            (row for row in cells(found, options.bits) if row[0] in SHOWN), key=lambda row: SHOWN.index(row[0])
        )
        tables.save(
            "pre-calibration", head(options.bits), rows, measure=MEASURE, source="benchmarks/bench_precalibration.py"
        )


def measure_tensor(name: str, w: np.ndarray, bits: Iterable[int], quiet: bool) -> list[Row]:
    """All methods on one tensor, printed as they come."""
    if not quiet:
        about = describe_tensor(w)
        print(f"{name}: {list(w.shape)}, kurtosis {about.kurtosis:.2f}, in rows {about.row_kurtosis.median:.2f}")
    found = []
    for each in bits:
        for row in rows(name, w, each):
            found.append(replace(row, code=each))
            if not quiet:
                print(line(row), flush=True)
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a trained model (default: SmolLM2 from its package)")
    parser.add_argument("--tensor", action="append", metavar="NAME", help=f"default: {', '.join(TENSORS)}")
    parser.add_argument("--bits", action="append", type=int, help="default: 4, 3 and 2")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--table", action="store_true", help="Markdown: means over the tensors")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/pre-calibration.jsonl")
    options = parser.parse_args()
    if options.save and (options.tensor or options.bits):
        parser.error("--save is for the usual tensors and bits")
    options.model, options.tensor = options.model or smollm2(), options.tensor or TENSORS
    options.bits = options.bits or (4, 3, 2)
    return options


def rows(name: str, w: np.ndarray, bits: int) -> Iterator[Row]:
    """All methods at so many bits a code."""
    for group in (128, 64, 32, 16):
        yield of_split(name, f"min-max g{group}", w, split_range(w, bits, group=group, share=0))
    for group in (128, 64, 32, 16):
        yield of_split(name, f"clipped g{group}", w, clipped(w, bits, group))
    for form in formats(bits):
        encoded = encode(parse(form), w)
        yield measured(name, form, w, encoded.decode(), encoded.bits)
    turned = turned_columns(w, random_rotation(w.shape[1], 0))
    for form in (f"int:{bits}/g128/search", f"normal:{bits}/g128/search"):
        encoded = encode(parse(form), turned)
        yield measured(name, f"rotated, {form}", turned, encoded.decode(), encoded.bits)
    for share in (0.01, 0.02, 0.05, 0.08):
        for symmetric in (True, False):
            kind = "symmetric" if symmetric else "asymmetric"
            split = split_range(w, bits, share=share, symmetric=symmetric)
            yield of_split(name, f"split g128 {kind} {share:.0%}", w, split)
    for group, outliers in ((128, 2), (128, 4), (128, 8), (128, 12), (64, 2), (64, 4), (64, 6)):
        split = split_offset(w, bits, group=group, outliers=outliers)
        yield of_split(name, f"offset g{group} {outliers} each", w, split)
    yield measured(name, "entropy-coded grid", w, *grid(w, bits))


def formats(bits: int) -> Iterator[str]:
    """Scales per group, of the largest weight or searched; outliers stored beside."""
    if bits == 4:
        yield "nf4/g64/absmax"
    yield from (f"int:{bits}/g{group}/search" for group in (128, 64, 32))
    if bits >= 3:
        yield f"normal:{bits}/g64/signmax"
    yield from (f"lloyd:{bits}/g{group}/search" for group in (64, 32))
    yield f"lloyd:{bits}/g64/search/sparse=0.005"


def clipped(w: np.ndarray, bits: int, group: int) -> RangeSplit:
    """Grids from the least to the largest weight of a group, each shrunk to where its squared error is least."""
    whole = split_range(w, bits, group=group, share=0)
    tries = [replace(whole, steps=round_bfloat16(whole.steps * np.float32(factor), "nearest")) for factor in SHRUNK]
    errors = [grouped(np.square(one.decode(one.codes(w)) - w), group).sum(axis=2) for one in tries]
    steps = [one.steps for one in tries]
    return replace(whole, steps=np.take_along_axis(np.stack(steps), np.argmin(errors, axis=0)[None, None], axis=0)[0])


def of_split(name: str, method: str, w: np.ndarray, split: Split) -> Row:
    """The figures of a split."""
    decoded = split.decode(split.codes(w))
    return measured(name, method, w, decoded, split.bits("entropy"), split.bits("indices"))


def measured(name: str, method: str, w: np.ndarray, decoded: np.ndarray, bits: float, indices: float = 0) -> Row:
    """The figures of decoded weights; ``indices``: bits with the mask as indices, where there is a mask."""
    error, size = (float(np.square(a, dtype=np.float64).sum()) for a in (decoded - w, w))
    db, each = 10 * np.log10(error / size), bits / w.size
    other = indices / w.size if indices > bits else each
    return Row(name, method, each, other, db, db + DB_PER_BIT * each, histogram_divergence(w, decoded))


def line(row: Row) -> str:
    """One row as text."""
    indices = "" if row.bits_with_indices == row.bits else f"({row.bits_with_indices:.3f})"
    return f"  {row.method:36} {row.bits:6.3f} {indices:8} {row.db:8.2f} dB  score {row.score:6.2f}  KL {row.kl:.4f}"


def head(bits: Iterable[int]) -> list[str]:
    """The columns of the table."""
    return ["method", *(name for b in bits for name in (f"{b}-bit codes: bits", "dB", "score"))]


def cells(found: list[Row], bits: Iterable[int]) -> list[list[str]]:
    """A row for every method: bits, dB and score for each number of bits a code, means over the tensors."""
    rows = []
    for method in dict.fromkeys(general(row.method) for row in found):
        row = [method]
        for each in bits:
            own = [row for row in found if general(row.method) == method and row.code == each]
            row += [f"{np.mean([getattr(one, what) for one in own]):.2f}" if own else "-" for what in FIGURES]
        rows.append(row)
    return rows


def general(method: str) -> str:
    """A method's name without its number of bits."""
    return re.sub(r":[0-9]/", ":b/", method)


if __name__ == "__main__":
    main()
