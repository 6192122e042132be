"""Statistical pre-calibration against plain scales: squared error at equal bits, on real tensors.

    python benchmarks/bench_precalibration.py [dithered.gguf] [--tensor NAME] ... [--bits 4] [--json]

dB: squared error over squared weights, 10 log10, lower is better. bits: everything counted (codes, scales, zero points,
mask by an ideal entropy code; in brackets with the mask as indices). score = dB + 6.02 bits: what is left when a bit is
worth 6.02 dB, so methods of different sizes can be compared; lower is better. KL: of 256-bin histograms, in nats.

"min-max": uniform from the least to the largest weight of a group (round to nearest). "split": outliers and the others
of a group on such a grid each (the published pre-calibration, at shares of outliers). "offset": ours, a fixed number of
outliers a group, coded by what they exceed. "entropy-coded grid": one step a row, codes of any length. Formats are
those of tabulae. "rotated": columns through signs and Hadamard first (a rotation that can be absorbed costs nothing).
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import tabulae
from ideal_grid import grid
from inputs import smollm2
from tabulae.arithmetic.rotation import random_rotation
from tabulae.calibration.offset_split import split_offset
from tabulae.calibration.range_split import split_range
from tabulae.calibration.rotate_residual import turned_columns
from tabulae.calibration.split import Split
from tabulae.formats import parse
from tabulae.statistics import describe_tensor, histogram_divergence

TENSORS = tuple(f"model.layers.{name}_proj.weight" for name in ("0.self_attn.k", "0.self_attn.v", "14.mlp.down"))
DB_PER_BIT = 20 * np.log10(2)


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


def main() -> None:
    """Print a table for each number of bits."""
    options = arguments()
    found = []
    with tabulae.open(options.model) as model:
        for name in options.tensor:
            w = model.read(name)
            if not options.json:
                about = describe_tensor(w)
                print(
                    f"{name}: {list(w.shape)}, kurtosis {about.kurtosis:.2f}, in rows {about.row_kurtosis.median:.2f}"
                )
            for bits in options.bits:
                for row in rows(name, w, bits):
                    found.append(row)
                    if not options.json:
                        print(line(row), flush=True)
    if options.json:
        print(json.dumps([asdict(row) for row in found], indent=1))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a trained model (default: SmolLM2 from its package)")
    parser.add_argument("--tensor", action="append", metavar="NAME", help=f"default: {', '.join(TENSORS)}")
    parser.add_argument("--bits", action="append", type=int, help="default: 4, 3 and 2")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.model, options.tensor = options.model or smollm2(), options.tensor or TENSORS
    options.bits = options.bits or (4, 3, 2)
    return options


def rows(name: str, w: np.ndarray, bits: int) -> Iterator[Row]:
    """All methods at so many bits a code."""
    for group in (128, 64, 32, 16):
        yield of_split(name, f"min-max g{group}", w, split_range(w, bits, group=group, share=0))
    for form in formats(bits):
        encoded = parse(form).encode(w)
        yield measured(name, form, w, encoded.decode(), encoded.bits)
    turned = turned_columns(w, random_rotation(w.shape[1], 0))
    for form in (f"int:{bits}/g128/search", f"normal:{bits}/g128/search"):
        encoded = parse(form).encode(turned)
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


def of_split(name: str, method: str, w: np.ndarray, split: Split) -> Row:
    """The figures of a split."""
    return measured(name, method, w, split.decode(split.codes(w)), split.bits("entropy"), split.bits("indices"))


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


if __name__ == "__main__":
    main()
