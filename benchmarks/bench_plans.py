"""Whole models: planned table models against llama.cpp's types at the same bytes, weights alone and complete.

    python benchmarks/inputs.py first-half > half.txt
    python benchmarks/inputs.py wiki > wiki.txt                 # with the ends of lines that Python reads
    benchmarks/peers/llama_cpp_types.sh BIN dithered.gguf half.txt wiki.txt FOLDER
    python benchmarks/bench_plans.py dithered.gguf --work WORK --peers FOLDER --sensitivity FILE [--bits 4.0] ...
    python benchmarks/bench_plans.py dithered.gguf --work WORK --peers FOLDER --sensitivity FILE --entropy

Every byte of a file counts but the tokenizer, and plans are made for just so many as llama.cpp's have. Rows of
llama.cpp's types say what share of the weights fell back to others (gguf_types.py); on Qwen2.5-Coder, which
benchmarks/peers/qwen_coder.sh brings, nothing does, because its widths are multiples of 256. Importance and
sensitivities come from the first half of wiki.valid. KL: nats, over the whole vocabulary, against the float model, 40
windows of wiki.test.raw, or with --text code of Python's own library. "alone": dequantised weights and float
activations on both sides, one evaluator. "complete": as it runs, with int8 activations (--complete says on how many
windows, where that takes long); for llama.cpp what its own tool says, on the same token ids: our windows are cut as it
cuts them, and it ends here if the ids that it scored are not ours (peer_tokens.py). rho = KL * 4^bits.

--torch runs all float models in torch (torch_model.py), which on a CPU without AVX-512 is several times as fast, the
study too with --by fisher; rows say so. "alone" differs by less than 1e-5 nats from what the executor gives.

Windows are scored one by one and kept in WORK with the float model's logits (40 files of 50 MB on SmolLM2, 155 MB on
Qwen), table models too (kept_builds.py): an interrupted run goes on where it was. --save writes rows to
benchmarks/results/plans.jsonl, in place of those of an earlier run of the same; --save allocation (with --flat, and
with --by fisher) and --save order-and-bands (with and without --whole) to the files of these tables. Each model and
text has a table of its own, under its --name.
"""

import argparse
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import floor
from pathlib import Path

import numpy as np

import tabulae
from dither_reference import fingerprint
from gguf_types import counted_bytes, fell_back
from inputs import sha256, text
from kept_builds import How, KeptBuilds
from peer_tokens import check_tokens, peer_tokens
from scores import Scores
from tables import OURS, name_of, put, rho
from tabulae.artifact.reader import open_table_model
from tabulae.cores import available_cores
from tabulae.evaluation import cut_text
from tabulae.program.graph import Decoder
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.study.study import INPUTS
from tabulae.text.tokenizer import Tokenizer
from tabulae.workflows.load import from_file
from tabulae.workflows.open_tab import TOKENIZER, program_of, weights_of
from tabulae.workflows.trained import TrainedModel
from torch_model import TorchModel

# A row of another run that has these is replaced.
SAME = ("what", "model", "text", "budget", "by", "candidates", "whole")


@dataclass(frozen=True)
class Row:
    """One model."""

    what: str
    model: str
    bits: float  # of the file but the tokenizer, per parameter
    alone: float
    se: float
    complete: float | None
    text: str
    windows: int  # behind "alone"
    windows_complete: int
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
    name: str  # of the trained model, for its rows
    text: str
    complete: int  # windows
    torch: bool
    threads: int

    @property
    def options(self) -> Options:
        """Of every model that runs."""
        return {"context": self.scores.windows.length, "threads": self.threads}

    def float_model(self, program: Decoder, weights: Mapping[str, np.ndarray]) -> LanguageModel | TorchModel:
        """A model in float32."""
        if self.torch:
            return TorchModel(program, weights, self.threads)
        return LanguageModel(Binding(program, weights), None, **self.options)

    def trained_model(self, other: TrainedModel) -> LanguageModel | TorchModel:
        """A trained model in float32."""
        return self.float_model(other.program, dict(other.tensors()))

    @property
    def measured_by(self) -> str:
        """What rows name as their source."""
        return f"benchmarks/bench_plans.py{' --torch' if self.torch else ''}"


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
    parser.add_argument("--text", choices=("wiki", "code"), default="wiki", help="wiki.test.raw, or Python's library")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="windows behind importance, with --torch")
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--complete", type=int, help="how many windows as a model runs; default: all, 0: none")
    parser.add_argument("--torch", action="store_true", help="run all float models in torch")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--work", type=Path, required=True, help="a folder for logits and scores; kept")
    parser.add_argument("--name", default="", help="what tables call the model; default: the name of its file")
    tables = ("plans", "allocation", "order-and-bands")
    parser.add_argument("--save", nargs="?", const="plans", choices=tables, help="write benchmarks/results/SAVE.jsonl")
    return parser.parse_args()


def prepare(trained: TrainedModel, options: argparse.Namespace) -> Bench:
    """Run the float model once."""
    vocabulary, words = trained.vocabulary, text(options.text)
    assert vocabulary is not None
    name = "wiki.test.raw" if options.text == "wiki" else f"Python's library (sha256 {sha256(words)[:8]})"
    windows = cut_text(words, Tokenizer(vocabulary), count=options.windows)
    if options.peers and options.text == "wiki":
        check_tokens(windows, options.peers / "reference.kld", vocabulary.bos if vocabulary.add_bos else None)
    reference = f"torch {trained.fingerprint}" if options.torch else trained.fingerprint
    complete = options.windows if options.complete is None else options.complete
    called, scores = options.name or trained.source.path.stem, Scores(options.work, windows, reference)
    bench = Bench(trained, scores, called, name, complete, options.torch, options.threads)
    bench.scores.record(lambda: bench.trained_model(trained))
    return bench


def measured(bench: Bench, options: argparse.Namespace) -> Iterator[Row]:
    """llama.cpp's types, then plans of the same bits, to a thousandth and not more, then those asked for."""
    peers = sorted(options.peers.glob("*_*.gguf")) if options.peers else []
    rows = [peer(bench, path) for path in peers]
    yield from rows
    wanted = sorted({*(floor(1000 * row.bits) / 1000 for row in rows), *options.bits}, reverse=True)
    if not wanted:
        return
    how = How(options.by, options.entropy, options.flat, options.whole, options.column_scales, options.inputs)
    sensitivity = (
        options.sensitivity
        or options.work / f"{bench.trained.fingerprint[:16]}.{options.by}{'.whole' * options.whole}.json"
    )
    builds = KeptBuilds(bench.trained, options.work / "built", sensitivity, how, options.torch, options.threads)
    for bits in wanted:
        yield planned(bench, builds, bits)


def peer(bench: Bench, path: Path) -> Row:
    """One of llama.cpp's files; what its own tool says of it on the text that it was run on stands beside it."""
    start = time.perf_counter()
    with tabulae.open(path) as other:
        share, types = fell_back(other.source, path.stem)
        name = f"{path.stem} {other.fingerprint}"
        alone = bench.scores.kl(name, "weights alone", lambda: bench.trained_model(other))
    told = path.with_suffix(".txt")
    said = re.search(r"Mean +KLD: +([0-9.]+)", told.read_text() if told.exists() else "")
    here = bench.text == "wiki.test.raw" and said is not None
    return Row(
        path.stem,
        bench.name,
        8 * counted_bytes(path) / bench.trained.parameters(),
        alone.mean,
        alone.se or 0.0,
        float(said[1]) if said and here else None,
        bench.text,
        len(bench.scores.windows),
        len(peer_tokens(path.with_name("reference.kld"))) if here else 0,
        seconds=time.perf_counter() - start,
        fell_back=share,
        fell_back_to=types,
        source=bench.measured_by,
    )


def planned(bench: Bench, builds: KeptBuilds, bits: float) -> Row:
    """A table model of at most so many bits."""
    start = time.perf_counter()
    built, how = builds.built(bits), builds.how
    name, scores = f"{how.what} {fingerprint(built.path)}", bench.scores
    with open_table_model(built.path) as file:
        size = built.path.stat().st_size - len(file.blob(TOKENIZER))
        decoded = lambda: bench.float_model(program_of(file), weights_of(file, decoded=True))  # noqa: E731
        alone = scores.kl(name, "weights alone", decoded)
        few = scores.first(bench.complete)
        complete = few.kl(name, "complete", lambda: from_file(file, **bench.options)).mean if bench.complete else None
    totals, parameters = built.plan.totals, bench.trained.parameters()
    assert totals is not None
    return Row(
        how.what,
        bench.name,
        8 * size / parameters,
        alone.mean,
        alone.se or 0.0,
        complete,
        bench.text,
        len(scores.windows),
        len(few.windows) if bench.complete else 0,
        8 * totals.memory / parameters,
        built.plan.loss,
        time.perf_counter() - start,
        budget=bits,
        by=how.by,
        candidates="with entropy codes" if how.entropy else "fixed-length",
        whole=how.whole,
        source=bench.measured_by,
    )


def line(row: Row) -> str:
    """One row as text."""
    what = name_of(asdict(row))
    complete = "-" if row.complete is None else f"{row.complete:.4f}"
    rest = "" if row.memory is None else f"  {row.memory:.2f} in memory, predicted {row.predicted:.4f}"
    return (
        f"{what} {row.bits:.4f} bits  alone {row.alone:.4f} +- {row.se:.4f}  complete {complete}  "
        f"rho {rho(asdict(row)):6.1f}  {row.seconds:.0f} s{rest}"
    )


def compare(rows: Sequence[Row]) -> None:
    """How many times less a plan loses than llama.cpp's type of the same bytes."""
    for row in rows:
        ours = next((one for one in rows if one.what in OURS and abs(row.bits - one.bits) < 0.02), None)
        if row.what in OURS or ours is None:
            continue
        both = "" if None in (row.complete, ours.complete) else f", complete {row.complete / ours.complete:.2f}"
        print(f"{name_of(asdict(row))} / {ours.what}: alone {row.alone / ours.alone:.2f}{both}")


if __name__ == "__main__":
    main()
