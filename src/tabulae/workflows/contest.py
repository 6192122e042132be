"""A planned table model against the best flat one of no more bytes: what runs better takes the name.

A plan that does not pay is not shipped, and that is said. Both are built beside their target, in ``PATH.verify``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tabulae.epoch import CODE
from tabulae.planning.budget import Budget
from tabulae.planning.plan import Plan, read, write
from tabulae.progress import Progress, silent, within
from tabulae.workflows.build import build, check_target
from tabulae.workflows.curves import Planner
from tabulae.workflows.recipe import by_storages
from tabulae.workflows.settling import ROUNDS, Settling
from tabulae.workflows.verdict import Verdict, Verifier, verdict_of
from tabulae.workflows.work_folder import folder_beside, put_in_place


@dataclass(frozen=True)
class Built:
    """A table model that was planned."""

    path: Path
    plan: Plan  # of what was shipped
    verdict: Verdict | None  # None: it was not verified, and ``note`` says why
    note: str = ""


def build_within(
    planner: Planner,
    path: str | Path,
    budget: Budget,
    *,
    verifier: Callable[[], Verifier] | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> Built:
    """Write the table model that loses least within ``budget``, or the flat one where the plan is not better.

    :raises UsageError: no plan keeps to the budget; a folder ``PATH.verify`` of another build; else as of
        :func:`tabulae.workflows.build.build`
    """
    path = Path(path)
    check_target(planner.model, path)
    writer = _Writer(planner, budget, threads, progress)
    if verifier is None:
        return Built(path, writer.planned(path), None, "not verified")
    with folder_beside(path, writer.identity) as folder:
        judge, start = verifier(), time.perf_counter()
        ours = Built(folder / "plan.tab", writer.planned(folder / "plan.tab", keep=True), None)
        better = _better(writer, judge, ours)
        verdict = better.verdict and better.verdict.timed(time.perf_counter() - start)
        put_in_place(better.path, path)
    return replace(better, path=path, verdict=verdict)


def _better(writer: "_Writer", judge: Verifier, ours: Built) -> Built:
    """The plan or the flat plan; where the first plan does not win, a second one with better sensitivities tries."""
    plain = ours.path.with_name("flat.tab")
    flat = writer.flat(ours.plan, plain, ours.path.stat().st_size)
    if flat is None:
        return replace(ours, note="not verified: no flat plan is as small")
    size, found = plain.stat().st_size, judge.qualities({"plan": ours.path, "flat plan": plain})
    verdict = verdict_of(found["plan"], found["flat plan"], size)
    if verdict.shipped == "flat":
        sensitivity, count = judge.remeasured(writer.planner, ours.plan, flat)
        again, planner = plain.with_name("second.tab"), writer.planner.with_sensitivity(sensitivity)
        writer = replace(writer, planner=planner)
        ours = Built(again, writer.planned(again, keep=True), None)
        second = judge.qualities({"second plan": again})["second plan"]
        verdict = verdict_of(second, found["flat plan"], size, count)
    return replace(ours, verdict=verdict) if verdict.shipped == "plan" else Built(plain, flat, verdict)


@dataclass(frozen=True)
class _Writer:
    """Table models of one budget."""

    planner: Planner
    budget: Budget
    threads: int
    progress: Progress

    @property
    def identity(self) -> bytes:
        """What makes two builds the same."""
        planner = self.planner
        storages = sorted({candidate.storage for one in planner.options.values() for candidate in one})
        study = (planner.study.source, planner.study.calibration, planner.strength)
        return msgspec.json.encode((CODE, planner.model.fingerprint, self.budget, *study, storages))

    def planned(self, path: Path, *, keep: bool = False) -> Plan:
        """Write the best plan's table model; ``keep`` its plan beside it, so that it is not written again."""
        kept, planner = path.with_suffix(".json"), self.planner
        if keep and path.exists() and kept.exists():
            return read(kept, model=planner.model.fingerprint, names=planner.curves)
        settling = Settling(planner, self.budget)
        recipe, settle = by_storages(planner.draft, settling.plan), settling if settling.uncertain() else None
        build(planner.model, path, recipe, settle=settle, threads=self.threads, progress=within(self.progress, "plan"))
        if keep:
            write(settling.plan, kept)
        return settling.plan

    def flat(self, plan: Plan, path: Path, size: int) -> Plan | None:
        """Write the best flat plan's table model, of at most ``size`` bytes; None if there is none."""
        room = size
        for _ in range(ROUNDS):
            flat = self.planner.flat(plan, room)
            if flat is None:
                return None
            recipe = by_storages(self.planner.draft, flat)
            build(self.planner.model, path, recipe, threads=self.threads, progress=within(self.progress, "flat plan"))
            over = path.stat().st_size - size
            if over <= 0:
                return flat
            room -= over
        return None
