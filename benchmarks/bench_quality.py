"""What is lost where: perplexity of the float path, activation codes alone, and formats, weights alone and complete.

    python benchmarks/bench_quality.py                                   # perplexity and activations of SmolLM2
    python benchmarks/bench_quality.py dithered.gguf --format normal:4/g64/signmax --format int:4/g64/absmax
    python benchmarks/bench_quality.py --format 'normal:4/g64/signmax;*embed*=int:8/row/absmax'

A ``--format`` is for all 2-D tensors, the embedding too; behind semicolons others follow for tensors by shell pattern.
KL is over the whole vocabulary, in nats, against the float path on the model's own weights, on 40 windows of 512 tokens
(positions 256..510), with its standard error over windows. The text is the second half of wiki.valid, because defaults
are chosen here; to report, give --text wiki.test.raw.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import tabulae
from inputs import choosing_text, smollm2
from tabulae.arithmetic.arrays import Float32s
from tabulae.artifact.parts import MatrixParts
from tabulae.evaluation import (
    Candidate,
    Quality,
    Windows,
    activations_alone,
    cut_text,
    difference,
    evaluate_all,
    perplexity,
)
from tabulae.evaluation.value import Value
from tabulae.formats import Encoded, encode
from tabulae.program.graph import Decoder
from tabulae.runtime.binding import Binding, Weight, pack_matrix
from tabulae.runtime.language_model import LanguageModel, available_cores
from tabulae.text.data import TokenizerData
from tabulae.workflows.recipe import choose, parse_rules

CODINGS: dict[str, tuple[int, int | None]] = {  # name -> E, seed of the rotation
    "E = 0": (0, None),
    "E = 2": (2, None),
    "E = 4": (4, None),
    "E = 0, rotated": (0, 0),
}
Tensors = dict[str, Float32s]


@dataclass(frozen=True)
class Bench:
    """A trained model in float32 and the windows to try it on."""

    program: Decoder
    tensors: Tensors
    vocabulary: TokenizerData
    windows: Windows
    threads: int

    def model(self, weights: Mapping[str, Weight]) -> LanguageModel:
        """A language model on these weights."""
        binding = Binding(self.program, weights)
        return LanguageModel(binding, self.vocabulary, context=self.windows.length, threads=self.threads)


def main() -> None:
    """Measure what is asked for and print it."""
    options = arguments()
    start = time.perf_counter()
    bench = prepare(options)
    found: dict[str, Any] = {"model": str(options.model), "windows": len(bench.windows), "against": "float32 weights"}
    every = not (options.perplexity or options.activations or options.format)
    if options.perplexity or every:
        found["perplexity"] = perplexity(bench.model(bench.tensors), bench.windows, progress=progress("perplexity"))
    if options.activations or every:
        found["activations alone"] = activations(bench)
    if options.format:
        found["formats"] = {recipe: quality_of(bench, recipe) for recipe in options.format}
    found["seconds"] = round(time.perf_counter() - start, 1)
    print(json.dumps(msgspec.to_builtins(found), indent=1)) if options.json else show(found)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a trained model (default: SmolLM2 from its package)")
    parser.add_argument("--text", type=Path, help="default: the second half of wiki.valid, to choose on")
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--perplexity", action="store_true", help="of all tokens of the windows")
    parser.add_argument("--activations", action="store_true", help="int8 activations alone")
    parser.add_argument("--format", action="append", default=[], metavar="F[;PATTERN=F]...")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.model = options.model or smollm2()
    return options


def prepare(options: argparse.Namespace) -> Bench:
    """Read model and text."""
    with tabulae.open(options.model) as trained:
        tensors, program, vocabulary = dict(trained.tensors()), trained.program, trained.vocabulary
    text = options.text.read_text(encoding="utf-8") if options.text else choosing_text()
    with LanguageModel(Binding(program, tensors), vocabulary) as model:
        windows = cut_text(text, model.tokenizer, count=options.windows)
    assert vocabulary is not None
    return Bench(program, tensors, vocabulary, windows, options.threads)


def activations(bench: Bench) -> dict[str, Quality]:
    """Exact weights; inputs through activation codes."""
    model = bench.model(bench.tensors)
    candidates = {
        name: Candidate(activations_alone(model, exponents, seed), "activations alone")
        for name, (exponents, seed) in CODINGS.items()
    }
    return evaluate_all(candidates, model, bench.windows, progress=progress("activations"))


def quality_of(bench: Bench, recipe: str) -> dict[str, Any]:
    """Size, R and KL of one recipe."""
    formats = choose(bench.program, list(bench.tensors), parse_rules(recipe.split(";")))
    encoded = {name: encode(form, bench.tensors[name]) for name, form in formats.items() if form is not None}
    decoded = bench.tensors | {name: one.decode() for name, one in encoded.items()}
    found: dict[str, Any] = dict(relative_error(bench.tensors, decoded, list(encoded)))
    weights: dict[str, Weight] = {**bench.tensors, **{name: pack_matrix(name, e.matrix) for name, e in encoded.items()}}
    found |= sizes(bench.tensors, encoded, weights)
    candidates = {
        "weights alone": Candidate(bench.model(decoded), "weights alone"),
        "complete": Candidate(bench.model(weights), "complete"),
    }
    reference = bench.model(bench.tensors)
    return found | evaluate_all(candidates, reference, bench.windows, progress=progress(recipe))


def relative_error(exact: Tensors, decoded: Tensors, names: list[str]) -> dict[str, float]:
    """``RMS(error) / RMS(weights)``: overall, and of each tensor by itself (their RMS, weighted by parameters)."""
    errors = np.array([np.square(decoded[name] - exact[name]).sum(dtype=np.float64) for name in names])
    squares = np.array([np.square(exact[name]).sum(dtype=np.float64) for name in names])
    counts = [exact[name].size for name in names]
    return {
        "R": math.sqrt(errors.sum() / squares.sum()),
        "R by tensor": math.sqrt(np.average(errors / squares, weights=counts)),
    }


def sizes(exact: Tensors, encoded: Mapping[str, Encoded], weights: Mapping[str, Weight]) -> dict[str, float]:
    """Bits per parameter over every tensor, norms as float32: what the formats count, and what lies in the file."""
    parameters = sum(w.size for w in exact.values())
    floats = sum(32 * w.size for name, w in exact.items() if name not in encoded)
    counted = floats + sum(one.bits for one in encoded.values())
    stored = floats + sum(8 * stored_bytes(w) for w in weights.values() if isinstance(w, MatrixParts))
    return {"bits per parameter": counted / parameters, "stored bits per parameter": stored / parameters}


def stored_bytes(parts: MatrixParts) -> int:
    """Bytes of all arrays of a tensor, the proofs of its accumulator widths too."""
    return sum(part.nbytes for part in vars(parts).values() if isinstance(part, np.ndarray))


def progress(what: str) -> Callable[[int, int], None]:
    """A counter on standard error."""
    return lambda done, count: print(f"\r{what}: {done}/{count}", end="\n" if done == count else "", file=sys.stderr)


def show(found: Mapping[str, Any]) -> None:
    """Print the figures as text."""
    print(f"{found['model']}, {found['windows']} windows of 512 tokens, {found['seconds']} s")
    if "perplexity" in found:
        print(f"perplexity of the float path, all tokens: {found['perplexity']}")
    for name, quality in found.get("activations alone", {}).items():
        print(f"activations alone, {name:16s} {line(quality)}")
    for recipe, figures in found.get("formats", {}).items():
        error = f"R {figures['R']:.4f} (by tensor {figures['R by tensor']:.4f})"
        bits = f"{figures['bits per parameter']:.3f} bits per parameter"
        print(f"{recipe}: {error}, {bits} ({figures['stored bits per parameter']:.3f} stored)")
        for kind in ("weights alone", "complete"):
            print(f"    {kind:14s} {line(figures[kind])}")
    show_differences(found.get("formats", {}))


def line(quality: Quality) -> str:
    """One candidate's figures."""
    return (
        f"KL {quality.kl}, same top {quality.agreement}, "
        f"perplexity {quality.perplexity} (reference {quality.reference_perplexity})"
    )


def show_differences(formats: Mapping[str, Mapping[str, Any]]) -> None:
    """Every later format against the first, paired over windows."""
    for recipe in list(formats)[1:]:
        first = next(iter(formats))
        change: Value = difference(formats[recipe]["weights alone"], formats[first]["weights alone"])
        print(f"{recipe} - {first}, weights alone: KL {change}")


if __name__ == "__main__":
    main()
