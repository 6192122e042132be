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

import msgspec

from tabulae.epoch import CODE
from tabulae.errors import FileError
from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.items import Options
from tabulae.planning.plan import Plan, read, write
from tabulae.planning.rebalance import Known, certain, corrected
from tabulae.planning.sizes import resident_bytes
from tabulae.workflows.build import Encoder, Storages, build, check_target
from tabulae.workflows.never_worse import Verdict, Verifier, verdict_of
from tabulae.workflows.planner import Planner
from tabulae.workflows.recipe import by_storages
from tabulae.workflows.work_folder import claim, lock, put_in_place

STATE: Final = "verify.json"
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

    :raises UsageError: no plan keeps to the budget; a folder ``PATH.verify`` of another build; else as of
        :func:`tabulae.workflows.build.build`
    """
    path = Path(path)
    check_target(planner.model, path)
    builder = _Builder(planner, budget, threads, progress)
    if verifier is None:
        return Built(path, builder.planned(path), None, "not verified")
    with _folder_beside(path, builder.identity) as folder:
        built = _contest(builder, verifier(), folder)
        put_in_place(built.path, path)
    return replace(built, path=path)


@contextmanager
def _folder_beside(path: Path, identity: bytes) -> Iterator[Path]:
    """A folder for models that may become ``path``; after an interrupt it stays, and the same build goes on there.

    :raises UsageError: it is there, and not of this build
    """
    folder = path.with_name(f"{path.name}.verify")
    fresh = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        held = lock(folder)
    except OSError as error:
        raise FileError(str(folder), "it must be writable", error.strerror or error) from None
    with held:
        claim(folder, STATE, identity)
        try:
            yield folder
        except KeyboardInterrupt:
            raise
        except BaseException:
            if fresh:  # what an earlier try has done stays
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _contest(builder: "_Builder", judge: Verifier, folder: Path) -> Built:
    """Plan against flat plan; where the first plan does not win, a second one with better sensitivities."""
    start, ours = time.perf_counter(), folder / "plan.tab"
    plan = builder.kept(ours, builder.planned)
    flat = builder.flat(plan, folder / "flat.tab", ours.stat().st_size)
    if flat is None:
        return Built(ours, plan, None, "not verified: no flat plan is as small")
    plain = folder / "flat.tab"
    size, found = plain.stat().st_size, judge.qualities({"plan": ours, "flat plan": plain})
    verdict = verdict_of(found["plan"], found["flat plan"], size)
    if verdict.shipped == "flat":
        ours = folder / "second.tab"
        sensitivity, count = judge.remeasured(builder.planner, plan, flat)
        builder = replace(builder, planner=builder.planner.with_sensitivity(sensitivity))
        plan = builder.kept(ours, builder.planned)
        second = judge.qualities({"second plan": ours})["second plan"]
        verdict = verdict_of(second, found["flat plan"], size, count)
    verdict = verdict.timed(time.perf_counter() - start)
    return Built(ours, plan, verdict) if verdict.shipped == "plan" else Built(plain, flat, verdict)


@dataclass(frozen=True)
class _Builder:
    planner: Planner
    budget: Budget
    threads: int
    progress: Progress | None

    @property
    def identity(self) -> bytes:
        """What makes two builds the same."""
        planner = self.planner
        storages = sorted({candidate.storage for one in planner.options.values() for candidate in one})
        study = (planner.study.source, planner.study.calibration, planner.strength)
        return msgspec.json.encode((CODE, planner.model.fingerprint, self.budget, *study, storages))

    def kept(self, path: Path, make: Callable[[Path], Plan]) -> Plan:
        """The plan of a model that ``make`` writes, or that an earlier try has finished."""
        noted, planner = path.with_suffix(".json"), self.planner
        if path.exists() and noted.exists():
            return read(noted, model=planner.model.fingerprint, names=planner.curves)
        plan = make(path)
        write(plan, noted)
        return plan

    def flat(self, plan: Plan, path: Path, size: int) -> Plan | None:
        """Write the best flat plan's table model, of at most ``size`` bytes; None if there is none."""
        room = size
        for _ in range(ROUNDS):
            flat = self.planner.flat(plan, room)
            if flat is None:
                return None
            self.built_as(flat, path)
            over = path.stat().st_size - size
            if over <= 0:
                return flat
            room -= over
        return None

    def planned(self, path: Path) -> Plan:
        """Write the best plan's table model."""
        settling = _Settling(self.planner, self.budget)
        recipe = by_storages(self.planner.draft, settling.plan)
        settle = settling if settling.uncertain() else None
        build(self.planner.model, path, recipe, settle=settle, threads=self.threads, progress=self.progress)
        return settling.plan

    def built_as(self, plan: Plan, path: Path) -> None:
        """Write a given plan's table model."""
        recipe = by_storages(self.planner.draft, plan)
        build(self.planner.model, path, recipe, threads=self.threads, progress=self.progress)


class _Settling:
    """A plan whose sizes are expected, made to keep to its budget when they are known."""

    def __init__(self, planner: Planner, budget: Budget) -> None:
        self._planner, self._budget = planner, budget
        self.plan = planner.plan(budget)
        self._known: dict[str, dict[str, tuple[int, int]]] = {}  # bytes in the file, resident

    def uncertain(self) -> bool:
        """Whether any codes have variable length, and bytes a limit."""
        return self._budget.kl is None and any(
            Storage.parse(entry.format).format.entropy for entry in self.plan.entries
        )

    def __call__(self, encoder: Encoder) -> Storages:
        for _ in range(ROUNDS):
            self._encode(encoder)
            before, self.plan = self.plan, self._again(corrected)
            if _stored(before) == _stored(self.plan):
                break
        else:
            self.plan = self._again(certain)
        return by_storages(self._planner.draft, self.plan).storages

    def _encode(self, encoder: Encoder) -> None:
        """Encode what has codes of variable length, and note how long they are."""
        for entry in self.plan.entries:
            storage, known = Storage.parse(entry.format), self._known.setdefault(entry.name, {})
            if storage.format.entropy and entry.format not in known:
                record = encoder.settled(entry.name, storage)
                known[entry.format] = record.stored, resident_bytes(record)

    def _again(self, sizes: Callable[[Options, Known], Options]) -> Plan:
        """Planned with known sizes; the bound is the lower one, because they are not those of all plans."""
        found = self._planner.plan(self._budget, sizes(self._planner.options, self._known))
        bound = min(found.bound or 0.0, self.plan.bound or 0.0)
        gap = max(0.0, 1 - bound / found.loss) if found.loss else 0.0
        return msgspec.structs.replace(found, bound=bound, gap=float(f"{gap:.6g}"))


def _stored(plan: Plan) -> list[str]:
    return [entry.format for entry in plan.entries]
