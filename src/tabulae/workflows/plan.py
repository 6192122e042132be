"""From what a user asks for to a plan, and from a plan or a budget to a table model."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from tabulae.cores import available_cores
from tabulae.evaluation.sensitivity import Source, tables
from tabulae.files import check_place
from tabulae.planning.budget import Budget, parse_size
from tabulae.planning.plan import Plan, check, read
from tabulae.workflows.budgeted import Built, build_within
from tabulae.workflows.build import build, check_target
from tabulae.workflows.never_worse import Verifier
from tabulae.workflows.planner import Planner, check_reachable, planner
from tabulae.workflows.prepared import tables_of
from tabulae.workflows.recipe import by_plan
from tabulae.workflows.study import LARGE, inputs_of, read_text, study

if TYPE_CHECKING:
    from tabulae.workflows.trained import TrainedModel

Progress = Callable[[str, int, int], object]  # what comes next, how much is done, of how much


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


def plan_model(model: "TrainedModel", **wanted: Unpack[Wanted]) -> Plan:
    """The plan that loses least within what is wanted; see :class:`Wanted`.

    :raises UsageError: no plan keeps to it; a text, sensitivities or an importance that do not fit the model
    :raises FileError: a file that cannot be read or written
    """
    budget = _checked(model, wanted)
    return _planner(model, wanted, _text(wanted.get("calibration"))).plan(budget)


def build_planned(
    model: "TrainedModel", path: str | Path, *, verify: bool | str | Path | None = None, **wanted: Unpack[Wanted]
) -> Built:
    """Plan, and write the table model at ``path``.

    ``verify``: run the result beside the best flat plan of no more bytes, and ship that one where it is not worse; on a
    text file, or if True on the calibration text. Done for models of up to a billion parameters if nothing is said.

    :raises UsageError, ModelError, FileError: as for planning and building
    """
    budget, calibration = _checked(model, wanted), wanted.get("calibration")
    check_target(model, Path(path))
    text = _text(calibration)  # once: it may be a pipe
    if verify is None:
        verify = model.parameters() <= LARGE
    judged = text if isinstance(verify, bool) or verify == calibration else _text(verify)
    threads, progress = _threads(wanted), wanted.get("progress")
    verifier = partial(Verifier, model, judged, threads=threads, progress=progress) if verify else None
    return build_within(
        _planner(model, wanted, text), path, budget, verifier=verifier, threads=threads, progress=progress
    )


def build_plan(
    model: "TrainedModel",
    path: str | Path,
    plan: Plan | str | Path,
    *,
    calibration: str | Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write the table model of a plan, or of its file, format by format as it says.

    ``calibration``: the text file that it was made with, if it was one.

    :raises UsageError: a plan of another model, with unknown tensors or formats, or with another text
    """
    names, bands = tables(model.program), tables_of(model, bands=True)
    if isinstance(plan, Plan):
        check(plan, model=model.fingerprint, names=names, bands=bands)
    else:
        plan = read(plan, model=model.fingerprint, names=names, bands=bands)
    wanted, text = plan.calibration, _text(calibration)
    known = inputs_of(model, text, wanted, threads=threads, progress=progress) if wanted else {}
    return build(model, path, by_plan(model, plan, known), threads=threads, progress=progress)


def _planner(model: "TrainedModel", wanted: Wanted, text: str | None) -> Planner:
    threads, progress, path = _threads(wanted), wanted.get("progress"), wanted.get("sensitivity")
    known = study(
        model,
        text,
        by=wanted.get("by"),
        sensitivity=None if path is None else Path(path),
        threads=threads,
        progress=progress,
    )
    return planner(
        model,
        known,
        entropy=wanted.get("entropy", False),
        any_format=wanted.get("any_format", False),
        threads=threads,
        progress=progress,
    )


def _checked(model: "TrainedModel", wanted: Wanted) -> Budget:
    """What is asked for; refused at once where only long work would show that it cannot be."""
    kept = wanted.get("sensitivity")
    if kept is not None:
        check_place(kept)
    size, memory = wanted.get("size"), wanted.get("memory")
    budget = Budget(
        size=None if size is None else parse_size(size),
        memory=None if memory is None else parse_size(memory),
        bits=wanted.get("bits"),
        kl=wanted.get("kl"),
    )
    if budget.kl is None and not wanted.get("entropy"):
        check_reachable(model, budget)
    return budget


def _text(path: str | Path | None) -> str | None:
    return None if path is None else read_text(Path(path))


def _threads(wanted: Wanted) -> int:
    return wanted.get("threads") or available_cores()
