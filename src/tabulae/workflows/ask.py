"""What a user asks for, checked before anything is measured, and what it takes: a planner, a judge, a recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from tabulae.calibration.prepared import tables_of
from tabulae.cores import available_cores
from tabulae.errors import UsageError
from tabulae.files import check_place
from tabulae.planning.budget import Budget, parse_size
from tabulae.planning.plan import Plan, check, read
from tabulae.program.trained import Trained
from tabulae.progress import Progress, silent
from tabulae.study.sensitivity import Source
from tabulae.study.study import LARGE, inputs_behind, read_text, study
from tabulae.workflows.build import check_target
from tabulae.workflows.curves import Planner, check_reachable
from tabulae.workflows.recipe import Recipe, by_plan
from tabulae.workflows.verdict import Verifier


class Wanted(TypedDict, total=False):
    """What a plan shall keep to, and what it is made from; all but one of the first four may be left out."""

    size: int | str | None  # bytes of the file: 60_000_000, "60MB"
    memory: int | str | None  # bytes resident; with or without size
    bits: float | None  # of the file but the tokenizer, per parameter
    kl: float | None  # predicted loss in nats
    calibration: str | Path | None  # a text file; default: the text that comes with tabulae
    sensitivity: str | Path | None  # a file of sensitivities: read, or written if it is not there
    by: Source | None  # where sensitivities come from: measured, fisher, data-free
    entropy: bool  # codes of variable length too: a smaller file, decoded when it is loaded
    any_format: bool  # formats without a fast kernel too
    threads: int | None
    progress: Progress | None


class Contest(TypedDict):
    """A plan and who judges it."""

    planner: Planner
    budget: Budget
    verifier: Callable[[], Verifier] | None
    threads: int
    progress: Progress


@dataclass(frozen=True, eq=False)
class Asked:
    """A budget that may be kept to, and the text."""

    model: Trained
    wanted: Wanted
    budget: Budget
    text: str | None  # None: the one that comes with tabulae

    @property
    def threads(self) -> int:
        """Default: all cores."""
        return self.wanted.get("threads") or available_cores()

    @property
    def progress(self) -> Progress:
        """Where work is shown."""
        return self.wanted.get("progress") or silent

    def planner(self) -> Planner:
        """The study and the error curves of the model; the long part.

        :raises UsageError: a text, sensitivities or an importance that do not fit the model
        """
        wanted, path = self.wanted, self.wanted.get("sensitivity")
        known = study(
            self.model,
            self.text,
            by=wanted.get("by"),
            sensitivity=None if path is None else Path(path),
            threads=self.threads,
            progress=self.progress,
        )
        return Planner.of(
            self.model,
            known,
            entropy=wanted.get("entropy", False),
            any_format=wanted.get("any_format", False),
            threads=self.threads,
            progress=self.progress,
        )

    def contest(self, verify: bool | str | Path | None) -> Contest:
        """All that :func:`tabulae.workflows.contest.build_within` takes but the path; ``verify`` as of ``verifier``."""
        judge = self.verifier(verify)  # its text is read before the long part
        return Contest(
            planner=self.planner(), budget=self.budget, verifier=judge, threads=self.threads, progress=self.progress
        )

    def verifier(self, verify: bool | str | Path | None) -> Callable[[], Verifier] | None:
        """What judges the plan; ``verify``: a text file, or whether to do it on the calibration text.

        If nothing is said, models of up to a billion parameters are run.
        """
        if verify is None:
            verify = self.model.parameters() <= LARGE
        same = isinstance(verify, bool) or verify == self.wanted.get("calibration")
        text = self.text if same else _text(verify)  # type: ignore[arg-type]
        return partial(Verifier, self.model, text, threads=self.threads, progress=self.progress) if verify else None


def ask(model: Trained, output: str | Path | None = None, **wanted: Unpack[Wanted]) -> Asked:
    """What is asked for; refused at once where only long work would show that it cannot be.

    ``output``: where the table model shall stand, if one shall be built.

    :raises UsageError: no plan keeps to the budget; a place that is the trained model's own
    :raises FileError: a file that cannot be read or written
    """
    if output is not None:
        check_target(model, Path(output))
    kept, size, memory = wanted.get("sensitivity"), wanted.get("size"), wanted.get("memory")
    if kept is not None:
        check_place(kept)
    budget = Budget(
        size=None if size is None else parse_size(size),
        memory=None if memory is None else parse_size(memory),
        bits=wanted.get("bits"),
        kl=wanted.get("kl"),
    )
    if budget.kl is None and not wanted.get("entropy"):
        check_reachable(model, budget)
    return Asked(model, wanted, budget, _text(wanted.get("calibration")))  # read once: it may be a pipe


def recipe_of(
    model: Trained,
    plan: Plan | str | Path,
    *,
    calibration: str | Path | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> Recipe:
    """What a plan, or its file, says; ``calibration``: the text file that it was made with, if it was one.

    :raises UsageError: a plan of another model, with unknown tensors or formats, or with another text
    """
    names, bands = model.program.tables(), tables_of(model, bands=True)
    if isinstance(plan, Plan):
        check(plan, model=model.fingerprint, names=names, bands=bands)
    else:
        plan = read(plan, model=model.fingerprint, names=names, bands=bands)
    if plan.calibration is None:
        if calibration is not None:
            must = "the plan must have been made with a text"
            raise UsageError("calibration", must, "one from weights alone", "leave --calibration out")
        return by_plan(model, plan, {})
    text = _text(calibration)
    return by_plan(model, plan, inputs_behind(plan.calibration, model, text, threads=threads, progress=progress))


def check_text_counts(wanted: Wanted) -> None:
    """Refuse a text that a plan alone would not read.

    :raises UsageError: weights alone, and a text
    """
    if wanted.get("by") == "data-free" and wanted.get("calibration") is not None:
        must, hint = "a text must be read by what is asked for", "leave --calibration out, or measure on it"
        raise UsageError("calibration", must, "data-free, which takes weights alone", hint)


def _text(path: str | Path | None) -> str | None:
    return None if path is None else read_text(Path(path))
