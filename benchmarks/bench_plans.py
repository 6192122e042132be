"""Whole models: planned table models against llama.cpp's types at the same bytes, weights alone and complete.

    benchmarks/peers/llama_cpp_types.sh BIN dithered.gguf wiki.valid.tokens wiki.test.raw FOLDER
    python benchmarks/bench_plans.py dithered.gguf --peers FOLDER --sensitivity FILE --save plans.jsonl [--bits 4.0] ...
    python benchmarks/bench_plans.py dithered.gguf --peers FOLDER --sensitivity FILE --save plans.jsonl --entropy

Of each of llama.cpp's files the bytes of all tensors count, and a plan is made for just so many. Importance and
sensitivities come from wiki.valid.tokens alone. KL: nats, 128 tokens and one bucket for all others, against the float
model, 40 windows of wiki.test.raw. "alone": dequantised weights and float activations on both sides, one evaluator.
"complete": as it runs, with int8 activations; for llama.cpp what its own tool says. rho = KL * 4^bits.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import tabulae
from inputs import wikitext
from tabulae.artifact.reader import open_table_model
from tabulae.evaluation import Reference, cut_text, evaluate, record
from tabulae.planning.budget import Budget
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, available_cores
from tabulae.workflows.budgeted import Built, build_within
from tabulae.workflows.build import build
from tabulae.workflows.load import from_file
from tabulae.workflows.planner import Planner, planner
from tabulae.workflows.recipe import by_formats
from tabulae.workflows.study import study
from tabulae.workflows.trained import TrainedModel

OURS = ("plan", "entropy")


@dataclass(frozen=True)
class Row:
    """One model."""

    what: str
    bits: float  # all bytes of all tensors, per parameter
    alone: float
    se: float
    complete: float | None
    memory: float | None = None  # resident bits per parameter
    predicted: float | None = None
    seconds: float = 0.0

    @property
    def rho(self) -> float:
        """One bit is worth a factor of four."""
        return self.alone * 4**self.bits


@dataclass(frozen=True)
class Bench:
    """The float model's predictions, and how to run others beside it."""

    trained: TrainedModel
    reference: Reference
    threads: int

    @property
    def options(self) -> dict[str, int]:
        """Of every model that runs."""
        return {"context": self.reference.windows.length, "threads": self.threads}

    def kl(self, model: LanguageModel, kind: str) -> tuple[float, float]:
        """Mean and standard error."""
        value = evaluate(model, self.reference, kind=kind).kl_topk
        return value.mean, value.se or 0.0


def main() -> None:
    """Print a row for every model as it is measured."""
    options = arguments()
    with tabulae.open(options.model) as trained:
        bench = prepare(trained, options)
        rows = []
        for row in measured(bench, options):
            rows.append(row)
            print(line(row), flush=True)
            if options.save:
                with options.save.open("a") as file:
                    file.write(json.dumps(asdict(row)) + "\n")
    compare(rows)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the reference, such as the dithered one")
    parser.add_argument("--peers", type=Path, help="the folder of benchmarks/peers/llama_cpp_types.sh")
    parser.add_argument("--bits", type=float, action="append", default=[], help="plans for these, too")
    parser.add_argument("--sensitivity", type=Path, help="read if there, else measured and written")
    parser.add_argument("--by", default="measured")
    parser.add_argument("--entropy", action="store_true", help="codes of variable length too")
    parser.add_argument("--flat", action="store_true", help="the best plans with one format for all tensors instead")
    parser.add_argument("--whole", action="store_true", help="no bands: one format for all rows of a tensor")
    parser.add_argument("--column-scales", type=float, help="how far columns are scaled by importance; 0: not at all")
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--save", type=Path, help="append every row as JSON")
    return parser.parse_args()


def prepare(trained: TrainedModel, options: argparse.Namespace) -> Bench:
    """Run the float model once."""
    text = wikitext().read_text(encoding="utf-8")
    with LanguageModel(Binding(trained.program, dict(trained.tensors())), trained.vocabulary) as exact:
        windows = cut_text(text, exact.tokenizer, count=options.windows)
        return Bench(trained, record(exact, windows, str(options.model)), options.threads)


def measured(bench: Bench, options: argparse.Namespace) -> Iterator[Row]:
    """llama.cpp's types, then plans of the same bits, then those asked for."""
    peers = sorted(options.peers.glob("*_*.gguf")) if options.peers else []
    rows = [peer(bench, path) for path in peers]
    yield from rows
    wanted = sorted({*(row.bits for row in rows), *options.bits}, reverse=True)
    if not wanted:
        return
    words = wikitext("wiki.valid.tokens").read_text(encoding="utf-8")
    known = study(
        bench.trained,
        words,
        by=options.by,
        sensitivity=options.sensitivity,
        bands=not options.whole,
        threads=options.threads,
    )
    plans = planner(
        bench.trained, known, entropy=options.entropy, strength=options.column_scales, threads=options.threads
    )
    for bits in wanted:
        yield planned(bench, plans, bits, "flat" if options.flat else "entropy" if options.entropy else "plan")


def peer(bench: Bench, path: Path) -> Row:
    """One of llama.cpp's files."""
    start = time.perf_counter()
    with tabulae.open(path) as other:
        size = sum(other.source.nbytes(name) for name in other.source.names)
        with LanguageModel(Binding(other.program, dict(other.tensors())), None, **bench.options) as model:
            alone, se = bench.kl(model, "weights alone")
        said = re.search(r"Mean +KLD: +([0-9.]+)", path.with_suffix(".txt").read_text())
        bits = 8 * size / bench.trained.parameters()
    return Row(path.stem, bits, alone, se, float(said[1]) if said else None, seconds=time.perf_counter() - start)


def planned(bench: Bench, plans: Planner, bits: float, what: str) -> Row:
    """A table model of at most so many bits."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        built = (flat if what == "flat" else build_within)(plans, Path(folder) / "m.tab", Budget(bits=bits))
        print(f"planned and built {bits:.3f} in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        with open_table_model(built.path) as file, from_file(file, decoded=True, **bench.options) as model:
            alone, se = bench.kl(model, "weights alone")
        with open_table_model(built.path) as file, from_file(file, **bench.options) as model:
            complete, _ = bench.kl(model, "complete")
    totals, parameters = built.plan.totals, bench.trained.parameters()
    took = time.perf_counter() - start
    return Row(what, totals.bits, alone, se, complete, 8 * totals.memory / parameters, built.plan.loss, took)


def flat(plans: Planner, path: Path, budget: Budget) -> Built:
    """One format for all tensors, columns scaled as for the plan: what is left of its lead is allocation alone."""
    plan = plans.plan(budget)
    assert plan.totals is not None
    found = plans.flat(plan, plan.totals.file)
    assert found is not None
    build(plans.model, path, by_formats(plans.draft, found))
    print(sorted({entry.format for entry in found.entries}), file=sys.stderr)
    return Built(path, found, None)


def line(row: Row) -> str:
    """One row as text."""
    complete = "-" if row.complete is None else f"{row.complete:.4f}"
    rest = "" if row.memory is None else f"  {row.memory:.2f} in memory, predicted {row.predicted:.4f}"
    return (
        f"{row.what:8s} {row.bits:.4f} bits  alone {row.alone:.4f} +- {row.se:.4f}  complete {complete}  "
        f"rho {row.rho:6.1f}  {row.seconds:.0f} s{rest}"
    )


def compare(rows: list[Row]) -> None:
    """How many times less a plan loses than llama.cpp's type of the same bytes."""
    for row in rows:
        ours = next((one for one in rows if one.what in OURS and abs(row.bits - one.bits) < 0.02), None)
        if row.what not in OURS and ours is not None and ours.complete and row.complete:
            factors = row.alone / ours.alone, row.complete / ours.alone, row.complete / ours.complete
            print(
                f"{row.what} / {ours.what}: ", "alone {:.2f}, own tool / alone {:.2f}, complete {:.2f}".format(*factors)
            )


if __name__ == "__main__":
    main()
