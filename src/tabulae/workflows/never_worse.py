"""Whether a plan pays: the planned table model and a flat one of no more bytes, run side by side on a little text.

Both run as they will run for users, activations in int8 too, against the float model. The windows are the last of the
text. Of a long text importance and sensitivities come from its first windows; the one that comes with tabulae is so
short that its importance has seen all of it, for plan and flat plan alike.
"""

from collections.abc import Callable
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tabulae.errors import UsageError
from tabulae.evaluation import Quality, Value, Windows, difference, evaluate, record
from tabulae.evaluation.measured import measured
from tabulae.evaluation.sensitivity import Sensitivity
from tabulae.evaluation.windows import FIRST, LENGTH
from tabulae.planning.plan import Plan
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.workflows.load import load
from tabulae.workflows.planner import Planner
from tabulae.workflows.prepared import in_bands, prepared
from tabulae.workflows.study import at_least, windows_of

if TYPE_CHECKING:
    from tabulae.workflows.trained import TrainedModel

WINDOWS: Final = 8
REMEASURED: Final = 4  # windows, before those, on which sensitivities are measured anew
ALL: Final = 1 << 20  # windows: the whole text
BETTER: Final = 2.0  # paired standard errors
DISPUTED: Final = 64  # tensors whose sensitivity is measured anew, those on which most of the prediction rests
Progress = Callable[[str, int, int], object]


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
    """The plan is shipped if it is better by two paired standard errors."""
    saved = difference(flat, plan, "kl_topk")
    shipped: Literal["plan", "flat"] = "plan" if is_better(saved) else "flat"
    return Verdict(shipped, plan.windows, plan.kl_topk, flat.kl_topk, saved, flat_bytes, remeasured)


def is_better(saved: Value) -> bool:
    """Whether a difference is positive by two standard errors; one window proves nothing.

    >>> is_better(Value(0.1, 0.04)), is_better(Value(0.1, 0.06)), is_better(Value(0.1, None))
    (True, False, False)
    """
    return saved.se is not None and saved.mean > 0 and saved.mean >= BETTER * saved.se


class Verifier:
    """The float model's predictions over the last windows of a text, against which table models are held."""

    def __init__(
        self, model: "TrainedModel", text: str | None, *, threads: int = 1, progress: Progress | None = None
    ) -> None:
        """``text``: None for the one that comes with tabulae.

        :raises UsageError: a text shorter than a window
        """
        whole = windows_of(model, text, count=ALL, length=LENGTH, first=FIRST)
        if len(whole) < 2:
            must = f"the text must fill two windows of {whole.length} tokens"
            raise UsageError("verify", must, "one", "give a longer text, or --no-verify")
        self.windows = Windows(whole.tokens[-WINDOWS:], whole.first)
        self._others = Windows(whole.tokens[: max(1, len(whole) - WINDOWS)][-REMEASURED:], whole.first)
        self._model, self._threads, self._progress = model, threads, progress
        with LanguageModel(Binding(model.program, dict(model.tensors())), None, **self._options) as exact:
            self._reference = record(exact, self.windows, model.fingerprint, progress=self._shown("the float model"))

    @property
    def _options(self) -> Options:
        return {"context": self.windows.length, "threads": self._threads}

    def quality(self, path: Path, name: str) -> Quality:
        """A table model, complete."""
        with load(path, **self._options) as candidate:
            return evaluate(candidate, self._reference, kind="complete", progress=self._shown(name))

    def remeasured(self, planner: Planner, plan: Plan, flat: Plan) -> tuple[Sensitivity, int]:
        """The planner's sensitivities, those of disputed tensors measured on other windows; and how many these are."""
        old, model, names = planner.study.sensitivity, self._model, disputed(plan, flat)
        draft = prepared(model, planner.study.importance, bands=in_bands(model, old.values))
        new = measured(
            draft.program,
            dict(draft.tensors),
            self._others,
            model=model.fingerprint,
            importance=draft.importance,
            names=names,
            threads=self._threads,
            progress=self._progress,
        )
        before = fsum(old.values[name] for name in names)
        level = fsum(new.values.values()) / before if before > 0 else 1.0
        values = {name: level * value for name, value in old.values.items()} | new.values
        return msgspec.structs.replace(old, values=at_least(values, draft), se=None), len(names)

    def _shown(self, what: str) -> Callable[[int, int], object]:
        progress = self._progress
        return (lambda done, count: progress(what, done, count)) if progress else (lambda done, count: None)


def disputed(plan: Plan, flat: Plan) -> list[str]:
    """The tensors in which plan and flat plan differ most in predicted loss."""
    losses = {entry.name: entry.loss or 0.0 for entry in flat.entries}
    differences = {entry.name: abs((entry.loss or 0.0) - losses[entry.name]) for entry in plan.entries}
    return sorted(differences, key=lambda name: -differences[name])[:DISPUTED]
