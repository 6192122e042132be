"""What the lossless passes buy: error at equal bits after each of them, and KL with --kl.

    python benchmarks/bench_passes.py [dithered.gguf] [--kl] [--windows 4] [--pass fold_norms,rotate_heads] ...

For each set of passes the float model is rewritten; its logits are compared with the unchanged model's (the deviation
must be float32 noise, and nothing at all for scales that are powers of two), the importance of its linears' inputs is
measured anew on wiki.valid.tokens, and every matrix is rounded. R is the relative error of the weights; R(x) weighs it
by importance, so it is that of the outputs but for correlations: only this one can be compared between passes that
scale columns. Both are means over tensors (of squares, by parameters). KL: weights alone, on the second half of
wiki.valid, because constants are chosen here; --test takes wiki.test.raw instead. --save writes KL to
benchmarks/results/passes.jsonl.

"grid:b" is a uniform grid with a scale per row, its step such that the codes of a tensor have an entropy of b bits
(ideal entropy code); "@" behind a format: its scales are searched with the importance.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tabulae
from ideal_grid import grid
from inputs import choosing_text, smollm2, wikitext
from tables import save
from tabulae.calibration import Draft, run
from tabulae.calibration.untie import BRIDGE
from tabulae.evaluation import Windows, cut_text, evaluate
from tabulae.formats import encode, parse
from tabulae.program.graph import Decoder
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, available_cores
from tabulae.study.inputs import measure_inputs
from tabulae.text.data import TokenizerData

SETS = (
    "",
    "fold_norms",
    "column_scales=sinkhorn",
    "column_scales=importance",
    "rotate_heads",
    "spread_residual",
    "spread_residual,sort_hidden",
    "bridge,fold_norms,rotate_residual",
    "bridge,fold_norms,rotate_residual,rotate_heads",
    "column_scales=importance,rotate_heads",
)
FORMATS = ("normal:4/row/rms", "normal:4/g64/signmax", "normal:4/g64/search@", "grid:4", "grid:3")
BRIDGE_FORMAT = "int:8/row/absmax"
Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Bench:
    """The unchanged model and its texts."""

    draft: Draft
    vocabulary: TokenizerData
    reference: LanguageModel
    test: Windows
    valid: Windows

    def model(self, program: Decoder, weights: Mapping[str, np.ndarray]) -> LanguageModel:
        """A float model on other weights."""
        return LanguageModel(Binding(program, weights), self.vocabulary, context=512, threads=self.reference.threads)


def main() -> None:
    """Measure and print."""
    options = arguments()
    start = time.perf_counter()
    bench = prepare(options)
    found = []
    for names in options.passes or SETS:
        for row in rows(bench, names, options):
            found.append(row)
            if not options.json:
                print(line(row), flush=True)
    if options.save:
        text = "wiki.test.raw" if options.test else "the second half of wiki.valid"
        measure = f"full KL, weights alone, {options.windows} windows of {text}"
        save("passes", *table(found, options.formats), measure=measure, source="benchmarks/bench_passes.py")
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{time.perf_counter() - start:.0f} s")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a trained model (default: SmolLM2 from its package)")
    parser.add_argument("--pass", dest="passes", action="append", help="passes, divided by commas (default: all sets)")
    parser.add_argument("--format", dest="formats", action="append", metavar="F[@]")
    parser.add_argument("--kl", action="store_true", help="run the rounded models too")
    parser.add_argument("--windows", type=int, default=4, help="of 512 tokens, of each text")
    parser.add_argument("--test", action="store_true", help="score on wiki.test.raw: to report, never to choose")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="KL, for the table of docs")
    options = parser.parse_args()
    options.kl |= options.save
    options.model, options.formats = options.model or smollm2(), options.formats or FORMATS
    return options


def prepare(options: argparse.Namespace) -> Bench:
    """Read the model, cut the texts, measure the importance of the unchanged model."""
    trained = tabulae.open(options.model)
    vocabulary = trained.vocabulary
    assert vocabulary is not None
    reference = trained.load(context=512, threads=available_cores())
    texts = wikitext("wiki.valid.tokens").read_text("utf-8"), test_text(options)
    valid, test = (
        cut_text(text[: 8000 * options.windows], reference.tokenizer, count=options.windows) for text in texts
    )
    inputs = measure_inputs(reference, valid, "").values
    return Bench(Draft.of(trained, inputs), vocabulary, reference, test, valid)


def test_text(options: argparse.Namespace) -> str:
    """What the rounded models are scored on."""
    return wikitext().read_text(encoding="utf-8") if options.test else choosing_text()


def rows(bench: Bench, names: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line for each format after one set of passes."""
    draft = run(bench.draft, [name for name in names.split(",") if name])
    tensors = {name: draft.tensors[name] for name in draft.program.weights()}
    model = bench.model(draft.program, tensors)
    tokens = bench.test.inputs(0)
    deviation = float(np.abs(model.logits(tokens) - bench.reference.logits(tokens)).max())
    importance = {name: known.mean_square for name, known in measure_inputs(model, bench.valid, "").values.items()}
    for name in options.formats:
        rounded, bits, errors = {}, 0.0, []
        for key, w in tensors.items():
            rounded[key], cost = (w, 32.0 * w.size) if w.ndim < 2 else round_tensor(name, key, w, importance.get(key))
            bits += cost
            if w.ndim == 2 and key != BRIDGE:
                errors.append((w.size, *relative_errors(w, rounded[key], importance.get(key))))
        plain, weighted = np.sqrt(np.average(np.array(errors)[:, 1:], axis=0, weights=[e[0] for e in errors]))
        row = {"passes": names, "deviation": deviation, "format": name, "R": plain, "R(x)": weighted}
        row["bits"] = bits / sum(w.size for w in tensors.values())
        if options.kl:
            quality = evaluate(bench.model(draft.program, rounded), bench.reference, bench.test, kind="weights alone")
            row |= {"KL": quality.kl.mean, "se": quality.kl.se, "rho": quality.kl.mean * 4 ** row["bits"]}
        yield row


def round_tensor(name: str, key: str, w: np.ndarray, importance: np.ndarray | None) -> tuple[np.ndarray, float]:
    """One matrix in a format, and its bits."""
    if key == BRIDGE:
        name = BRIDGE_FORMAT
    element, _, rest = name.partition(":")
    if element == "grid":
        return grid(w, float(rest))
    encoded = encode(parse(name.removesuffix("@")), w, importance if name.endswith("@") else None)
    return encoded.decode(), encoded.bits


def relative_errors(w: np.ndarray, rounded: np.ndarray, importance: np.ndarray | None) -> tuple[float, float]:
    """Squares of R and R(x)."""
    error, size = (np.square(a, dtype=np.float64).sum(axis=0) for a in (rounded - w, w))
    weights = np.ones(len(size)) if importance is None else importance
    return error.sum() / size.sum(), (error @ weights) / (size @ weights)


def table(found: Sequence[Mapping[str, Any]], formats: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: passes down, formats across."""
    kl = {(row["passes"], row["format"]): f"{row['KL']:.3f}" for row in found}
    sets = dict.fromkeys(row["passes"] for row in found)
    head = ["passes", *(f"`{name.removesuffix('@')}`{', importance' * name.endswith('@')}" for name in formats)]
    return head, [[f"`{names}`" if names else "none", *(kl[names, name] for name in formats)] for names in sets]


def line(row: Mapping[str, Any]) -> str:
    """One row as text."""
    text = f"{row['passes'] or 'as it is':48} {row['deviation']:8.1e}  {row['format']:22} {row['bits']:6.3f} bits"
    text += f"  R {row['R']:.4f}  R(x) {row['R(x)']:.4f}"
    return text + (f"  KL {row['KL']:.4f} +- {row['se']:.4f}  rho {row['rho']:.1f}" if "KL" in row else "")


if __name__ == "__main__":
    main()
