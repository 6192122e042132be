"""A table model within a budget: planned, encoded, planned again with the lengths that codes really have, verified.

To be verified a planned model is built beside its target, in ``PATH.verify``, with the best flat plan of no more
bytes. What runs better takes the name: a plan that does not pay is not shipped, and that is said.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tabulae.errors import FileError
from tabulae.formats import parse
from tabulae.planning.budget import Budget
from tabulae.planning.plan import Plan
from tabulae.planning.rebalance import Known, certain, corrected
from tabulae.planning.sizes import resident_bytes, stored_bytes
from tabulae.planning.solve import Options
from tabulae.workflows.build import Encoder, Formats, build, check_target
from tabulae.workflows.never_worse import Verdict, Verifier, verdict_of
from tabulae.workflows.planner import Planner
from tabulae.workflows.recipe import by_formats, by_plan

ROUNDS: Final = 4  # of planning with real lengths; formats rarely change after the first

Progress = Callable[[str, int, int], object]


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
    progress: Progress | None = None,
) -> Built:
    """Write the table model that loses least within ``budget``, or the flat one where the plan is not better.

    :raises UsageError: no plan keeps to the budget; else as of :func:`tabulae.workflows.build.build`
    """
    path = Path(path)
    check_target(planner.model, path)
    builder = _Builder(planner, budget, threads, progress)
    if verifier is None:
        return Built(path, builder.planned(path), None, "not verified")
    with _folder_beside(path) as folder:
        built, winner = _contest(builder, verifier, folder)
        winner.replace(path)
    return replace(built, path=path)


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A folder for models that may become ``path``; after an interrupt it stays, and the same build goes on there."""
    folder = path.with_name(f"{path.name}.verify")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(str(folder), "it must be writable", error.strerror or error) from None
    try:
        yield folder
    except KeyboardInterrupt:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _contest(builder: "_Builder", verifier: Callable[[], Verifier], folder: Path) -> tuple[Built, Path]:
    """Plan against flat plan; where the first plan does not win, a second one with better sensitivities."""
    ours, plain = folder / "plan.tab", folder / "flat.tab"
    plan = builder.planned(ours)
    flat = builder.planner.flat(builder.budget, ours.stat().st_size)
    if flat is None:
        return Built(ours, plan, None, "not verified: no flat plan is as small"), ours
    builder.built_as(flat, plain)
    start, judge = time.perf_counter(), verifier()
    theirs = judge.quality(plain, "flat plan")
    verdict = verdict_of(judge.quality(ours, "plan"), theirs, plain.stat().st_size)
    if verdict.shipped == "flat":
        sensitivity, count = judge.remeasured(builder.planner, plan, flat)
        builder = replace(builder, planner=builder.planner.with_sensitivity(sensitivity))
        plan = builder.planned(ours)
        verdict = verdict_of(judge.quality(ours, "second plan"), theirs, plain.stat().st_size, count)
    verdict = verdict.timed(time.perf_counter() - start)
    return (Built(ours, plan, verdict), ours) if verdict.shipped == "plan" else (Built(plain, flat, verdict), plain)


@dataclass(frozen=True)
class _Builder:
    planner: Planner
    budget: Budget
    threads: int
    progress: Progress | None

    def planned(self, path: Path) -> Plan:
        """Write the best plan's table model."""
        settling = _Settling(self.planner, self.budget)
        recipe = by_formats(self.planner.draft, settling.plan.to_formats(), self.planner.strength)
        settle = settling if settling.uncertain() else None
        build(self.planner.model, path, recipe, settle=settle, threads=self.threads, progress=self.progress)
        return settling.plan

    def built_as(self, plan: Plan, path: Path) -> None:
        """Write a given plan's table model."""
        recipe = by_plan(self.planner.model, plan, self.planner.study.importance)
        build(self.planner.model, path, recipe, threads=self.threads, progress=self.progress)


class _Settling:
    """A plan whose sizes are expected, made to keep to its budget when they are known."""

    def __init__(self, planner: Planner, budget: Budget) -> None:
        self._planner, self._budget = planner, budget
        self.plan = planner.plan(budget)
        self._known: dict[str, dict[str, tuple[int, int]]] = {}  # bytes in the file, resident

    def uncertain(self) -> bool:
        """Whether any codes have variable length, and bytes a limit."""
        return self._budget.kl is None and any(parse(entry.format).entropy for entry in self.plan.entries)

    def __call__(self, encoder: Encoder) -> Formats:
        for _ in range(ROUNDS):
            self._encode(encoder)
            before, self.plan = self.plan, self._again(corrected)
            if _formats(before) == _formats(self.plan):
                break
        else:
            self.plan = self._again(certain)
        return by_formats(self._planner.draft, self.plan.to_formats()).formats

    def _encode(self, encoder: Encoder) -> None:
        """Encode what has codes of variable length, and note how long they are."""
        for entry in self.plan.entries:
            form, known = parse(entry.format), self._known.setdefault(entry.name, {})
            if form.entropy and entry.format not in known:
                record = encoder.settled(entry.name, form)
                known[entry.format] = stored_bytes(record), resident_bytes(record)

    def _again(self, sizes: Callable[[Options, Known], Options]) -> Plan:
        return self._planner.plan(self._budget, sizes(self._planner.options, self._known))


def _formats(plan: Plan) -> list[str]:
    return [entry.format for entry in plan.entries]
