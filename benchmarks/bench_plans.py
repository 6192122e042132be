"""Whole models: planned table models against llama.cpp's types at the same bytes, weights alone and complete.

    benchmarks/peers/llama_cpp_types.sh BIN dithered.gguf wiki.valid.tokens wiki.test.raw FOLDER
    python benchmarks/bench_plans.py dithered.gguf --work WORK --peers FOLDER --sensitivity FILE [--bits 4.0] ...
    python benchmarks/bench_plans.py dithered.gguf --work WORK --peers FOLDER --sensitivity FILE --entropy

Every byte of a file counts but the tokenizer, and plans are made for just so many as llama.cpp's have. Rows of
llama.cpp's types say what share of the weights fell back to others (gguf_types.py); on Qwen2.5-Coder, which
benchmarks/peers/qwen_coder.sh brings, nothing does, because its widths are multiples of 256. Importance and
sensitivities come from the first half of wiki.valid. KL: nats, over the whole vocabulary, against the float model, 40
windows of wiki.test.raw. "alone": dequantised weights and float activations on both sides, one evaluator. "complete":
as it runs, with int8 activations; for llama.cpp what its own tool says, on the same token ids: our windows are cut as
it cuts them, and it ends here if the ids that it scored are not ours (peer_tokens.py). rho = KL * 4^bits.

Windows are scored one by one and kept in WORK with the float model's logits (40 files of 50 MB on SmolLM2, 155 MB on
Qwen): an interrupted run goes on where it was. --save writes rows to benchmarks/results/plans.jsonl, in place of those
of an earlier run of the same; --save allocation (with --flat, and with --by fisher) and --save order-and-bands (with
and without --whole) to the files of these tables. Each model has a table of its own, under its --name.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import tabulae
from dither_reference import fingerprint
from gguf_types import counted_bytes, fell_back
from inputs import wikitext
from peer_tokens import check_tokens
from scores import Scores
from tables import OURS, name_of, put, rho
from tabulae.artifact.reader import open_table_model
from tabulae.cores import available_cores
from tabulae.evaluation import cut_text
from tabulae.planning.budget import Budget
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.study.study import study
from tabulae.text.tokenizer import Tokenizer
from tabulae.workflows.build import build
from tabulae.workflows.contest import Built, build_within
from tabulae.workflows.curves import Planner
from tabulae.workflows.load import from_file
from tabulae.workflows.recipe import by_storages
from tabulae.workflows.trained import TrainedModel

SAME = ("what", "model", "budget", "by", "candidates", "whole")  # a row of another run that has these is replaced


@dataclass(frozen=True)
class Row:
    """One model."""

    what: str
    model: str
    bits: float  # of the file but the tokenizer, per parameter
    alone: float
    se: float
    complete: float | None
    memory: float | None = None  # resident bits per parameter
    predicted: float | None = None
    seconds: float = 0.0
    fell_back: float = 0.0  # share of the weights that llama.cpp stored in another type than the one asked for
    fell_back_to: str = ""
    budget: float | None = None  # bits per parameter
    by: str = ""  # where sensitivities come from
    candidates: str = ""
    whole: bool = False  # no order, no bands
    counted: str = "file"
    measure: str = "full KL"
    measure_complete: str = "full KL"
    source: str = "benchmarks/bench_plans.py"


@dataclass(frozen=True)
class Bench:
    """The float model's predictions, and how to run others beside it."""

    trained: TrainedModel
    scores: Scores
    threads: int
    called: str

    @property
    def name(self) -> str:
        """The trained model, for its rows."""
        return self.called or self.trained.source.path.stem

    @property
    def options(self) -> Options:
        """Of every model that runs."""
        return {"context": self.scores.windows.length, "threads": self.threads}

    def float_model(self, other: TrainedModel) -> LanguageModel:
        """A trained model in float32."""
        return LanguageModel(Binding(other.program, dict(other.tensors())), None, **self.options)


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
                put(options.save, asdict(row), SAME)
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
    parser.add_argument("--work", type=Path, required=True, help="a folder for logits and scores; kept")
    parser.add_argument("--name", default="", help="what tables call the model; default: the name of its file")
    tables = ("plans", "allocation", "order-and-bands")
    parser.add_argument("--save", nargs="?", const="plans", choices=tables, help="write benchmarks/results/SAVE.jsonl")
    return parser.parse_args()


def prepare(trained: TrainedModel, options: argparse.Namespace) -> Bench:
    """Run the float model once."""
    vocabulary = trained.vocabulary
    assert vocabulary is not None
    windows = cut_text(wikitext().read_text(encoding="utf-8"), Tokenizer(vocabulary), count=options.windows)
    bench = Bench(trained, Scores(options.work, windows, trained.fingerprint), options.threads, options.name)
    if options.peers:
        check_tokens(windows, options.peers / "reference.kld", vocabulary.bos if vocabulary.add_bos else None)
    bench.scores.record(lambda: bench.float_model(trained))
    return bench


def measured(bench: Bench, options: argparse.Namespace) -> Iterator[Row]:
    """llama.cpp's types, then plans of the same bits, then those asked for."""
    peers = sorted(options.peers.glob("*_*.gguf")) if options.peers else []
    rows = [peer(bench, path) for path in peers]
    yield from rows
    wanted = sorted({*(row.bits for row in rows), *options.bits}, reverse=True)
    if not wanted:
        return
    words = wikitext("wiki.valid.tokens").read_text(encoding="utf-8")
    words = words[: len(words) // 2]  # the second half is what constants are chosen on
    known = study(
        bench.trained,
        words,
        by=options.by,
        sensitivity=options.sensitivity,
        bands=not options.whole,
        threads=options.threads,
    )
    plans = Planner.of(
        bench.trained, known, entropy=options.entropy, strength=options.column_scales, threads=options.threads
    )
    how = {"by": known.sensitivity.source, "whole": options.whole}
    how["candidates"] = "with entropy codes" if options.entropy else "fixed-length"
    for bits in wanted:
        row = planned(bench, plans, bits, "flat" if options.flat else "entropy" if options.entropy else "plan")
        yield replace(row, **how)


def peer(bench: Bench, path: Path) -> Row:
    """One of llama.cpp's files; what its own tool says of it stands beside it."""
    start = time.perf_counter()
    with tabulae.open(path) as other:
        share, types = fell_back(other.source, path.stem)
        name = f"{path.stem} {other.fingerprint}"
        alone = bench.scores.kl(name, "weights alone", lambda: bench.float_model(other))
    said = re.search(r"Mean +KLD: +([0-9.]+)", path.with_suffix(".txt").read_text())
    return Row(
        path.stem,
        bench.name,
        8 * counted_bytes(path) / bench.trained.parameters(),
        alone.mean,
        alone.se or 0.0,
        float(said[1]) if said else None,
        seconds=time.perf_counter() - start,
        fell_back=share,
        fell_back_to=types,
    )


def planned(bench: Bench, plans: Planner, bits: float, what: str) -> Row:
    """A table model of at most so many bits."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        built = (flat if what == "flat" else build_within)(plans, Path(folder) / "m.tab", Budget(bits=bits))
        print(f"planned and built {bits:.3f} in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        name = f"{what} {fingerprint(built.path)}"
        with open_table_model(built.path) as file:
            alone = bench.scores.kl(name, "weights alone", lambda: from_file(file, decoded=True, **bench.options))
            complete = bench.scores.kl(name, "complete", lambda: from_file(file, **bench.options))
    totals, parameters = built.plan.totals, bench.trained.parameters()
    assert totals is not None
    return Row(
        what,
        bench.name,
        totals.bits,
        alone.mean,
        alone.se or 0.0,
        complete.mean,
        8 * totals.memory / parameters,
        built.plan.loss,
        time.perf_counter() - start,
        budget=bits,
    )


def flat(plans: Planner, path: Path, budget: Budget) -> Built:
    """One format for all tensors, columns scaled as for the plan: what is left of its lead is allocation alone."""
    plan = plans.plan(budget)
    assert plan.totals is not None
    found = plans.flat(plan, plan.totals.file)
    assert found is not None
    build(plans.model, path, by_storages(plans.draft, found))
    print(sorted({entry.format for entry in found.entries}), file=sys.stderr)
    return Built(path, found, None)


def line(row: Row) -> str:
    """One row as text."""
    what = name_of(asdict(row))
    complete = "-" if row.complete is None else f"{row.complete:.4f}"
    rest = "" if row.memory is None else f"  {row.memory:.2f} in memory, predicted {row.predicted:.4f}"
    return (
        f"{what} {row.bits:.4f} bits  alone {row.alone:.4f} +- {row.se:.4f}  complete {complete}  "
        f"rho {rho(asdict(row)):6.1f}  {row.seconds:.0f} s{rest}"
    )


def compare(rows: list[Row]) -> None:
    """How many times less a plan loses than llama.cpp's type of the same bytes."""
    for row in rows:
        ours = next((one for one in rows if one.what in OURS and abs(row.bits - one.bits) < 0.02), None)
        if row.what not in OURS and ours is not None and ours.complete and row.complete:
            factors = row.alone / ours.alone, row.complete / ours.alone, row.complete / ours.complete
            what = f"{name_of(asdict(row))} / {ours.what}"
            print(f"{what}: ", "alone {:.2f}, own tool / alone {:.2f}, complete {:.2f}".format(*factors))


if __name__ == "__main__":
    main()
