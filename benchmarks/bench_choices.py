"""Constants that were chosen, chosen anew: every value on the text for choosing, the others against the present one.

    python benchmarks/bench_choices.py dithered.gguf --work WORK [--only "gain, 4 bits"] [--windows 12] [--save]

Gain: one format for all tensors, at 4 and 3 bits. Strength of column scales (``planner.py``): the model as a planner
prepares it, channels in order and tables in bands, then one format for all tables, of the family that plans mostly
take: ``lloyd:4/g64/search`` for STRENGTH, ``grid:4/row/rms`` for ENTROPY_STRENGTH.

Full KL against the float model, weights alone, on windows of 512 tokens of the second half of wiki.valid, which nothing
else sees; importance comes from 20 windows of the first. *differs*: the difference from the present value, paired over
windows, is not 0 by Student's t. All run in torch (torch_model.py).

Windows are scored one by one and kept in WORK. --save adds a line for every value to benchmarks/results/choices.jsonl;
what is there is not measured again.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import tabulae
from inputs import choosing_text, wikitext
from scores import Scores
from tables import against, of, put, read
from tabulae.calibration import Draft
from tabulae.calibration.prepared import prepared
from tabulae.cores import available_cores
from tabulae.evaluation import cut_text
from tabulae.evaluation.value import mean_of
from tabulae.formats import encode, parse
from tabulae.formats.gain import DEFAULT_GAIN, GAINS
from tabulae.formats.input_statistics import importance_of, of_squares
from tabulae.text.tokenizer import Tokenizer
from tabulae.workflows.curves import ENTROPY_STRENGTH, STRENGTH
from torch_model import TorchModel

FILE = "choices"
INPUTS = 20  # windows for importance

Value = float | str


@dataclass(frozen=True)
class Choice:
    """One constant: the present value, the others, and the draft and format of all tables that a value makes."""

    present: Value
    others: tuple[Value, ...]
    make: Callable[["Bench", Any], tuple[Draft, str]]


@dataclass(frozen=True)
class Row:
    """One value."""

    constant: str
    value: Value
    model: str
    windows: str  # their fingerprint
    bits: float  # of the tensors, per parameter
    kl: list[float]  # of every window
    measure: str = "full KL, weights alone"
    text: str = "second half of wiki.valid"
    source: str = "benchmarks/bench_choices.py"


class Bench:
    """The float model, scored on the text for choosing, and the importance of its inputs."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.trained = options, tabulae.open(options.model)
        assert self.trained.vocabulary is not None
        self.tokenizer = Tokenizer(self.trained.vocabulary)
        windows = cut_text(choosing_text()[: 8000 * options.windows], self.tokenizer, count=options.windows)
        self.scores = Scores(options.work, windows, f"{self.trained.fingerprint} in torch")
        self.scores.record(self.reference)

    def reference(self) -> TorchModel:
        """The float model."""
        return TorchModel(self.trained.program, dict(self.trained.tensors()), self.options.threads)

    @cached_property
    def importance(self) -> Mapping[str, np.ndarray]:
        """Of every linear's inputs, from the first half of wiki.valid."""
        text = wikitext("wiki.valid.tokens").read_text(encoding="utf-8")[: 8000 * INPUTS]
        with self.reference() as model:
            return model.importance(cut_text(text, self.tokenizer, count=INPUTS))

    def row(self, name: str, value: Value) -> Row:
        """Make the model of one value and score it."""
        draft, form = CHOICES[name].make(self, value)
        weights, bits = rounded(draft, form)
        model = TorchModel(draft.program, weights, self.options.threads)
        windows, key = self.scores.windows, f"{name} {value} {form} {INPUTS}"
        kl = self.scores.by_window(key, "weights alone", lambda: model)
        return Row(name, value, self.trained.source.path.stem, windows.fingerprint, bits, kl)


def rounded(draft: Draft, form: str) -> tuple[dict[str, np.ndarray], float]:
    """All tables as a format has them, and the bits per parameter of all tensors."""
    weights, bits, every = {}, 0.0, set(draft.program.tables())
    for name in draft.names:
        w = weights[name] = draft.read(name)
        if name in every:
            encoded = encode(parse(form), w, importance_of(draft.inputs.get(name)))
            weights[name], bits = encoded.decode(), bits + encoded.bits
        else:
            bits += 32 * w.size
    return weights, bits / sum(w.size for w in weights.values())


def scaled(form: str) -> Callable[[Bench, float], tuple[Draft, str]]:
    """By the strength of column scales."""
    return lambda bench, strength: (
        prepared(bench.trained, of_squares(bench.importance), bands=True, strength=strength),
        form,
    )


def gained(form: str) -> Callable[[Bench, str], tuple[Draft, str]]:
    """By the gain of a format; no input counts for more than another."""
    return lambda bench, gain: (Draft.of(bench.trained), f"{form}/gain={gain}")


OTHER_GAINS = tuple(gain for gain in GAINS if gain != DEFAULT_GAIN)
CHOICES = {
    "gain, 4 bits": Choice(DEFAULT_GAIN, OTHER_GAINS, gained("normal:4/g64/signmax")),
    "ENTROPY_STRENGTH": Choice(ENTROPY_STRENGTH, (0.25, 0.75), scaled("grid:4/row/rms")),
    "STRENGTH": Choice(STRENGTH, (0.125, 0.5), scaled("lloyd:4/g64/search")),
    "gain, 3 bits": Choice(DEFAULT_GAIN, OTHER_GAINS, gained("normal:3/g64/signmax")),
}


def main() -> None:
    """Print a line for every value as it is measured, against the present one."""
    options = arguments()
    bench = Bench(options)
    mine = {"model": bench.trained.source.path.stem, "windows": bench.scores.windows.fingerprint}
    rows = of(read(FILE), **mine) if options.save else []
    known = {(row["constant"], row["value"]): Row(**row) for row in rows}
    for name in options.only or CHOICES:
        choice = CHOICES[name]
        present: Row | None = None
        for value in (choice.present, *choice.others):
            row = known.get((name, value))
            if row is None:
                row = bench.row(name, value)
                if options.save:
                    put(FILE, asdict(row), ("constant", "value", "model"))
            present = present or row
            print(line(row, present, len(choice.others)), flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the reference, such as the dithered one")
    parser.add_argument("--only", action="append", choices=list(CHOICES), help="default: all")
    parser.add_argument("--windows", type=int, default=12)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--work", type=Path, required=True, help="a folder for logits and scores; kept")
    parser.add_argument("--save", action="store_true", help="append every line to benchmarks/results/choices.jsonl")
    return parser.parse_args()


def line(row: Row, present: Row, others: int) -> str:
    """One row as text."""
    text = f"{row.constant:18} {row.value!s:9} {row.bits:.4f} bits  KL {mean_of(row.kl)}"
    return text if row is present else f"{text}  {against(row.kl, present.kl, others)}"


if __name__ == "__main__":
    main()
