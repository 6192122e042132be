"""Whether a plan pays: the planned table model and a flat one of no more bytes, run side by side on a little text.

Both run as they will run for users, activations in int8 too, against the float model, and the KL is over the whole
vocabulary. They are judged on the windows that ``split_text`` holds out: the last of the text, which no decision about
either has seen. A plan has two tries, so each of them may be right by chance half as often.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from math import fsum
from pathlib import Path
from typing import Final, Literal

import msgspec

from tabulae.calibration.prepared import in_bands, prepared
from tabulae.errors import UsageError
from tabulae.evaluation import Candidate, Quality, Value, difference, evaluate_all
from tabulae.evaluation.windows import Windows
from tabulae.planning.plan import Plan
from tabulae.program.trained import Trained
from tabulae.progress import Progress, silent, within
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.study.measured import measured
from tabulae.study.sensitivity import Sensitivity
from tabulae.study.split_text import SplitText
from tabulae.study.study import at_least
from tabulae.workflows.curves import Planner
from tabulae.workflows.load import load

REMEASURED: Final = 4  # windows, the last before those that judge, on which sensitivities are measured anew
ERROR: Final = 0.025  # how often a plan that is no better may be shipped, over all its tries
TRIES: Final = 2
DISPUTED: Final = 64  # tensors whose sensitivity is measured anew, those on which most of the prediction rests


class Verdict(msgspec.Struct, frozen=True):
    """What was measured, complete models, in nats; ``shipped`` is what the file holds."""

    shipped: Literal["plan", "flat"]
    windows: int
    plan: Value
    flat: Value
    saved: Value  # flat - plan, with the standard error of the paired differences
    flat_bytes: int
    remeasured: int  # tensors whose sensitivity was measured anew, because the first plan was not better
    seconds: float = 0.0

    def timed(self, seconds: float) -> "Verdict":
        """With how long it took."""
        return msgspec.structs.replace(self, seconds=seconds)


def verdict_of(plan: Quality, flat: Quality, flat_bytes: int, remeasured: int = 0) -> Verdict:
    """The plan is shipped if it is certainly better; both qualities are against the float model that ran."""
    saved = difference(flat, plan)
    assert plan.kl is not None and flat.kl is not None
    shipped: Literal["plan", "flat"] = "plan" if is_better(saved, plan.windows) else "flat"
    return Verdict(shipped, plan.windows, plan.kl, flat.kl, saved, flat_bytes, remeasured)


def is_better(saved: Value, windows: int) -> bool:
    """Whether a mean over windows is positive by Student's t: in 2.5 % of all pairs of tries wrongly (Bonferroni).

    One window proves nothing; of eight, the mean must be 2.84 of its standard errors.

    >>> is_better(Value(0.1, 0.035), 8), is_better(Value(0.1, 0.036), 8), is_better(Value(0.1, None), 1)
    (True, False, False)
    """
    from scipy.special import stdtrit  # the quantiles of Student's t, without all of scipy.stats

    if saved.se is None:
        return False
    return saved.mean > max(0.0, float(stdtrit(windows - 1, 1 - ERROR / TRIES)) * saved.se)


class Verifier:
    """The float model on the held-out windows of a text, against which table models are held."""

    def __init__(self, model: Trained, text: str | None, *, threads: int = 1, progress: Progress = silent) -> None:
        """``text``: None for the one that comes with tabulae.

        :raises UsageError: a text too short to hold windows out
        """
        split = SplitText(model, text)
        self.windows, others = split.judges, split.choosing()
        if not len(self.windows):
            must = f"the text must fill four windows of {others.length} tokens, two to judge on"
            raise UsageError("verify", must, len(others), "give a longer text, or --no-verify")
        self._others = Windows(others.tokens[-REMEASURED:], others.first)
        self._model, self._threads, self._progress = model, threads, progress

    @property
    def _options(self) -> Options:
        return {"context": self.windows.length, "threads": self._threads}

    def qualities(self, paths: Mapping[str, Path]) -> dict[str, Quality]:
        """Table models by name, complete; the float model runs once for all of them."""
        model = self._model
        with ExitStack() as stack:
            exact = LanguageModel(Binding(model.program, dict(model.tensors())), None, **self._options)
            opened = {name: stack.enter_context(load(path, **self._options)) for name, path in paths.items()}
            return evaluate_all(
                {name: Candidate(one, "complete") for name, one in opened.items()},
                stack.enter_context(exact),
                self.windows,
                against=model.fingerprint,
                progress=within(self._progress, " and ".join(paths)),
            )

    def remeasured(self, planner: Planner, plan: Plan, flat: Plan) -> tuple[Sensitivity, int]:
        """The planner's sensitivities, those of disputed tensors measured on other windows; and how many these are."""
        old, model, names = planner.study.sensitivity, self._model, disputed(plan, flat)
        draft = prepared(model, planner.study.inputs, bands=in_bands(model, old.values))
        new = measured(
            draft.program,
            dict(draft.tensors),
            self._others,
            model=model.fingerprint,
            inputs=draft.inputs,
            names=names,
            threads=self._threads,
            progress=within(self._progress, "sensitivity"),
        )
        before = fsum(old.values[name] for name in names)
        level = fsum(new.values.values()) / before if before > 0 else 1.0
        values = {name: level * value for name, value in old.values.items()} | new.values
        return msgspec.structs.replace(old, values=at_least(values, draft), se=None), len(names)


def disputed(plan: Plan, flat: Plan) -> list[str]:
    """The tensors in which plan and flat plan differ most in predicted loss."""
    losses = {entry.name: entry.loss or 0.0 for entry in flat.entries}
    differences = {entry.name: abs((entry.loss or 0.0) - losses[entry.name]) for entry in plan.entries}
    return sorted(differences, key=lambda name: -differences[name])[:DISPUTED]
