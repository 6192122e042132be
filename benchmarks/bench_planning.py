"""How long planning takes, and how good a plan is: error curves, the solution, its certificate, bytes left unused.

Two sets of tensors: SmolLM2-135M, and the shapes of a 7-billion Llama, filled with seeded noise as they are read.
Sensitivities are made up (seeded, spread over a factor of 30): neither time nor certificate depends on the true ones.

    python benchmarks/bench_planning.py [--model GGUF] [--importance NPZ] [--threads N] [--entropy] [--only NAME]
"""

import argparse
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

import inputs
import tabulae
from tabulae.artifact.records import FloatRecord
from tabulae.formats.input_statistics import of_squares
from tabulae.planning.budget import Budget
from tabulae.planning.candidates import lines
from tabulae.planning.curves import Curve, ReadRows, measure_curves
from tabulae.planning.sizes import Fixed, Shape, fixed_sizes
from tabulae.planning.solve import average_bits, file_bytes, solve, sum_of

BITS = (3.0, 3.5, 4.0, 4.5, 5.0, 5.46, 6.0, 6.27, 6.67)  # per parameter
LAYERS, WIDTH, HIDDEN, VOCABULARY = 32, 4096, 11008, 32000


def llama_7b() -> tuple[dict[str, Shape], Fixed]:
    """The tensors of a 7-billion Llama."""
    shapes = {"model.embed_tokens.weight": (VOCABULARY, WIDTH)}
    floats = [FloatRecord(name="model.norm.weight", shape=(WIDTH,))]
    for layer in range(LAYERS):
        start = f"model.layers.{layer}"
        shapes |= {f"{start}.self_attn.{one}_proj.weight": (WIDTH, WIDTH) for one in "qkvo"}
        shapes |= {f"{start}.mlp.{one}_proj.weight": (HIDDEN, WIDTH) for one in ("gate", "up")}
        shapes |= {f"{start}.mlp.down_proj.weight": (WIDTH, HIDDEN)}
        floats += [FloatRecord(name=f"{start}.{one}.weight", shape=(WIDTH,)) for one in ("input", "post_attention")]
    shapes["lm_head.weight"] = (VOCABULARY, WIDTH)
    parameters = sum(rows * cols for rows, cols in shapes.values()) + WIDTH * len(floats)
    return shapes, fixed_sizes(floats, parameters)


def noise(shapes: Mapping[str, Shape]) -> ReadRows:
    """Rows of seeded noise with tails, of every tensor its own."""

    def read(name: str, rows: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([zlib.crc32(name.encode()), int(rows[0])])
        loud = np.exp(0.3 * rng.standard_normal((len(rows), 1), np.float32))
        return rng.standard_normal((len(rows), shapes[name][1]), np.float32) * loud

    return read


def smollm2(path: Path) -> tuple[dict[str, Shape], Fixed, ReadRows]:
    """The tensors of a real model."""
    model = tabulae.open(path)
    shapes = {name: model.shape(name) for name in model.names if len(model.shape(name)) == 2}
    floats = [FloatRecord(name=name, shape=model.shape(name)) for name in model.names if name not in shapes]
    blobs = {"tabulae.tokenizer": len(msgspec.json.encode(model.vocabulary))}
    program = msgspec.json.encode(model.program)
    fixed = fixed_sizes(floats, model.parameters(), program=program, provenance=model.source.provenance(), blobs=blobs)
    return shapes, fixed, lambda name, rows: model.read(name)[rows]


def made_up(names: Sequence[str]) -> dict[str, float]:
    """Sensitivities, lognormal."""
    rng = np.random.default_rng(0)
    return {name: float(np.exp(0.85 * rng.standard_normal())) for name in names}


def report(title: str, curves: Mapping[str, Curve], fixed: Fixed) -> None:
    """Solve for some budgets and print what comes out."""
    sensitivity = made_up(list(curves))
    start = time.perf_counter()
    options = {name: curve.candidates(sensitivity[name]) for name, curve in curves.items()}
    print(f"{title}: {len(options)} tensors, candidates in {time.perf_counter() - start:.2f} s")
    print(f"{'bits':>6}{'asked':>15}{'file':>15}{'unused':>9}{'real bits':>11}{'gap':>9}{'time':>8}")
    for bits in BITS:
        budget = Budget(size=int(bits * fixed.parameters / 8))
        start = time.perf_counter()
        found = solve(options, fixed, budget)
        took = time.perf_counter() - start
        size = fixed.file + int(sum_of(file_bytes, found.chosen))
        print(
            f"{bits:6.2f}{budget.size:15d}{size:15d}{1 - size / budget.size:9.4%}"
            f"{average_bits(found.chosen, fixed):11.4f}{found.gap:9.4%}{took:7.2f}s"
        )


def measured(
    title: str, shapes: Mapping[str, Shape], read: ReadRows, args: argparse.Namespace, importance: Path | None = None
) -> dict[str, Curve]:
    """The curves, and how long they took."""
    known = {} if importance is None else {k: v.astype(np.float32) for k, v in np.load(importance).items()}
    candidates = lines(entropy=args.entropy)
    start, cpu = time.perf_counter(), time.process_time()
    curves = measure_curves(shapes, read, inputs=of_squares(known), candidates=candidates, threads=args.threads)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{title}: curves of {len(shapes)} tensors in {wall:.1f} s ({cpu / len(shapes):.3f} s of CPU each)")
    return curves


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a GGUF other than the package's, such as the dithered reference")
    parser.add_argument("--importance", type=Path, help="an .npz of mean squares of inputs, float [cols] by tensor")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--entropy", action="store_true", help="codes of variable length too")
    parser.add_argument("--only", choices=["smollm2", "7b"])
    args = parser.parse_args()
    if args.only != "7b":
        shapes, fixed, read = smollm2(args.model or inputs.smollm2())
        report("smollm2", measured("smollm2", shapes, read, args, args.importance), fixed)
    if args.only != "smollm2":
        shapes, fixed = llama_7b()
        report("7b", measured("7b", shapes, noise(shapes), args), fixed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
