"""What int8 multipliers of a row's bfloat16 scale cost, against a bfloat16 scale in every group.

    python benchmarks/bench_multipliers.py [--json]

iid Normal, Laplace and Student-t weights [1024, 4096] and rows of unequal groups (each group scaled by a lognormal):
R = RMS(error) / RMS(weights) with exact scales, bfloat16 scales (16 bits a group) and int8 multipliers (8 bits a group
and 16 a row), and bits per weight. Codes are chosen after the scales in every case; no gain is applied.
"""

import argparse
import json

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.arithmetic.bfloat16 import from_bfloat16, to_bfloat16
from tabulae.formats import parse
from tabulae.formats.nearest import Nearest
from tabulae.formats.scaling import grouped_scales, rounding_of

SHAPE = (1024, 4096)
NAMES = (
    "normal:3/g64/signmax",
    "normal:4/g64/signmax",
    "normal:4/g32/absmax",
    "normal:4/g128/absmax",
    "int:4/g64/absmax",
)


def sources() -> dict[str, Float64s]:
    """Weights by name."""
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(SHAPE)
    spread = np.exp(0.5 * rng.standard_normal((SHAPE[0], SHAPE[1] // 32)))
    return {
        "normal": normal,
        "laplace": rng.laplace(size=SHAPE),
        "t5": rng.standard_t(5, SHAPE),
        "normal, groups of unequal size": normal * np.repeat(spread, 32, axis=1),
    }


def errors(name: str, x: Float64s) -> dict[str, float]:
    """R with the three kinds of scales."""
    form = parse(name)
    groups = np.float32(x).reshape(len(x), -1, form.group)
    largest = np.take_along_axis(groups, np.abs(groups).argmax(axis=2)[..., None], axis=2)[..., 0].astype(np.float64)
    steps = (largest if form.base == "signmax" else np.abs(largest)) * form.stored.unit
    scales, multipliers = grouped_scales(steps, rounding_of(form.scale), np.zeros(len(x)))
    bfloat = np.sign(steps) * from_bfloat16(to_bfloat16(np.float32(np.abs(steps)), "away"))
    kinds = {"exact": steps, "bfloat16": bfloat, "int8": multipliers.astype(np.float64) * scales[:, None]}
    return {kind: relative(groups, unit[..., None], form.stored.integers) for kind, unit in kinds.items()}


def relative(groups: Float32s, units: Float64s, integers: npt.NDArray[np.int16]) -> float:
    """RMS(error) / RMS(weights) of the nearest codepoints."""
    codes = Nearest(integers).codes(np.float32(groups / units))
    error = integers.astype(np.float64)[codes] * units - groups
    return float(np.linalg.norm(error) / np.linalg.norm(groups))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [{"weights": w, "format": name, **errors(name, x)} for w, x in sources().items() for name in NAMES]
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'weights':32}{'format':24}{'exact':>9}{'bfloat16':>10}{'int8':>9}{'int8 / bfloat16':>17}")
    for row in found:
        ratio = f"{100 * (row['int8'] / row['bfloat16'] - 1):+.2f} %"
        print(
            f"{row['weights']:32}{row['format']:24}{row['exact']:9.5f}{row['bfloat16']:10.5f}{row['int8']:9.5f}{ratio:>17}"
        )


if __name__ == "__main__":
    main()
