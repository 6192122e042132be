"""How well the sources of sensitivity agree with what is measured, and what a plan made with each of them is worth.

    python benchmarks/bench_sensitivity.py [dithered.gguf] [--kl] [--importance FILE] [--measured FILE] [--only NAME]

``measured`` (4 windows of 128 tokens of wiki.valid) is the truth of the table: rank correlations of s and of s R^2 (R^2
of lloyd:4/g64/search) with it, and the loss that it predicts for a plan solved with another source's s. ``random
tokens`` is measured, on tokens drawn uniformly; ``constant`` is 1 for all tensors. *Saved*: by how many bits per
parameter flat plans, interpolated, would have to be larger for that loss. With --kl the plan and the best flat one of
the budget are run: weights alone, 8 windows of the second half of wiki.valid, because constants are chosen here; bits
are saved as ``KL 4^bits`` has it.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from functools import cached_property
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import tabulae
from inputs import choosing_text, smollm2, wikitext
from tabulae.artifact.records import FloatRecord
from tabulae.evaluation import Windows, cut_text, evaluate
from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.curves import measure_curves
from tabulae.planning.flat import best_flat
from tabulae.planning.sizes import fixed_sizes
from tabulae.planning.solve import Chosen, Options, average_bits, loss_of, solve, sum_of
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, available_cores
from tabulae.study.data_free import data_free
from tabulae.study.fisher import fisher
from tabulae.study.inputs import load, measure_inputs
from tabulae.study.measured import measured
from tabulae.study.sensitivity import read
from tabulae.text.tokenizer import Tokenizer

BITS = (3.0, 4.0)
RANK, EMBEDDING = "lloyd:4/g64/search", "int:8/row/absmax"
Values = dict[str, float]


class Bench:
    """A model, its texts, the curves of its tensors, and the sources by name."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.model = args, tabulae.open(args.model or smollm2())
        self.weights, self.name = dict(self.model.tensors()), self.model.fingerprint
        self.tokenizer, self.reference = Tokenizer(self.model.vocabulary), self.run(self.weights)
        text = wikitext("wiki.valid.tokens").read_text()[:600_000]
        self.windows = cut_text(text, self.tokenizer, count=4, length=128, first=16)
        found = load(args.importance, self.name, self.model.program) if args.importance else None
        loud = cut_text(text, self.tokenizer, count=20)
        self.inputs = (found or measure_inputs(self.reference, loud, self.name)).values
        shapes = {name: self.weights[name].shape for name in self.model.program.tables()}
        self.curves = measure_curves(
            shapes, lambda name, rows: self.weights[name][rows], inputs=self.inputs, threads=args.threads
        )
        self.fixed = fixed_sizes(
            [FloatRecord(name=name, shape=w.shape) for name, w in self.weights.items() if name not in shapes],
            self.model.parameters(),
        )
        ways: dict[str, Callable[[], Values]] = {"measured": lambda: self.truth}
        ways |= {"fisher": self.gradients} if importlib.util.find_spec("torch") else {}
        ways |= {"data-free": lambda: data_free(self.model).values, "random tokens": self.noise}
        ways |= {"constant": lambda: dict.fromkeys(self.curves, 1.0)}
        self.ways = {name: way for name, way in ways.items() if name == "measured" or name in (args.only or ways)}

    def run(self, weights: dict[str, Any]) -> LanguageModel:
        """A float model."""
        options: dict[str, Any] = {"context": 512, "threads": self.args.threads}
        return LanguageModel(Binding(self.model.program, weights), self.model.vocabulary, **options)

    @cached_property
    def truth(self) -> Values:
        """Measured, or read from a file."""
        file = self.args.measured
        return read(file, self.name, self.curves).values if file else self.measure(self.windows)

    def measure(self, windows: Windows) -> Values:
        """KL / R^2 of every tensor."""
        options: dict[str, Any] = {"inputs": self.inputs, "threads": self.args.threads}
        return measured(self.model.program, self.weights, windows, model=self.name, **options).values

    def gradients(self) -> Values:
        """Fisher, on the same windows."""
        options: dict[str, Any] = {"model": self.name, "inputs": self.inputs}
        return fisher(self.model.program, self.weights, self.windows, **options).values

    def noise(self) -> Values:
        """Measured on random tokens."""
        tokens = self.windows.tokens.copy()
        tokens[:, 1:] = np.random.default_rng(0).integers(0, self.model.program.vocabulary, tokens[:, 1:].shape)
        return self.measure(Windows(tokens, self.windows.first))

    def options(self, values: Values) -> Options:
        """What every format is predicted to lose."""
        return {name: curve.candidates(values[name]) for name, curve in self.curves.items()}

    @cached_property
    def flats(self) -> list[tuple[float, float, Chosen]]:
        """Bits, loss and formats of flat plans that nothing beats."""
        options = self.options(self.truth)
        heads = {name: EMBEDDING for name in self.curves if "embed" in name or "lm_head" in name}
        found = (best_flat(options, self.fixed, Budget(bits=float(at)), heads) for at in np.arange(2, 8.5, 0.1))
        plans = [plan for plan in found if plan]
        return [(average_bits(plan, self.fixed), sum_of(loss_of, plan), plan) for plan in plans]

    def kl(self, plan: Chosen) -> float:
        """Real KL, weights alone."""
        decoded = {
            name: Storage.parse(one.storage).encode(self.weights[name], self.inputs.get(name)).decode()
            for name, one in plan.items()
        }
        windows = cut_text(choosing_text()[:200_000], self.tokenizer, count=8)
        found = evaluate(self.run(self.weights | decoded), self.reference, windows, kind="weights alone").kl
        assert found is not None
        return found.mean

    @cached_property
    def flat_rhos(self) -> dict[float, float]:
        """``KL 4^bits`` of the best flat plan for each of BITS."""
        best = {at: max((one for one in self.flats if one[0] <= at), key=lambda one: one[0]) for at in BITS}
        return {at: self.kl(plan) * 4**bits for at, (bits, _, plan) in best.items()}

    def saved(self, values: Values, bits: float) -> str:
        """Bits that a plan with these sensitivities saves: predicted, and real with --kl."""
        plan = solve(self.options(values), self.fixed, Budget(bits=bits)).chosen
        loss = fsum(self.truth[name] * self.curves[name].points[one.storage].error for name, one in plan.items())
        points = sorted((-np.log2(loss), bits) for bits, loss, _ in self.flats)
        cell = f"{np.interp(-np.log2(loss), *zip(*points, strict=True)) - bits:+.2f}"
        if not self.args.kl:
            return cell
        kl = self.kl(plan)
        return f"{cell} KL {kl:.3g} {np.log2(self.flat_rhos[bits] / kl) / 2 - average_bits(plan, self.fixed):+.2f}"

    def ranks(self, values: Values) -> str:
        """Rank correlations of s, and of s R^2, with what is measured."""
        errors = {name: curve.points[RANK].error for name, curve in self.curves.items()}
        cells = []
        for weight in (dict.fromkeys(errors, 1.0), errors):
            a, b = ([one[name] * weight[name] for name in errors] for one in (self.truth, values))
            cells.append(f"{spearmanr(a, b).statistic:7.2f}" if len(set(b)) > 1 else "      -")
        return "".join(cells)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--kl", action="store_true", help="run the plans too")
    parser.add_argument("--importance", type=Path, help="as study.inputs saves it; else measured")
    parser.add_argument("--measured", type=Path, help="as study.sensitivity writes it; else measured")
    parser.add_argument("--only", nargs="+", help="sources to compare with measured")
    parser.add_argument("--threads", type=int, default=available_cores())
    bench = Bench(parser.parse_args())
    print("source              s  s R^2  seconds", *(f"saved at {bits:<14}" for bits in BITS))
    for name, way in bench.ways.items():
        start = time.perf_counter()
        values = way()
        seconds = time.perf_counter() - start
        print(
            f"{name:14}{bench.ranks(values)}{seconds:9.1f} ",
            *(f"{bench.saved(values, at):22}" for at in BITS),
            flush=True,
        )


if __name__ == "__main__":
    main()
