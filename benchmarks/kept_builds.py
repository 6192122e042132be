"""Planned table models, each built once: the study, the planner and every file are made when first asked for, and kept.

What decides about a file stands in its name as a hash, so that a text or an evaluator more costs no build more.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import msgspec
import xxhash

from inputs import first_half
from tabulae.calibration.prepared import prepared, tables_of
from tabulae.epoch import CODE
from tabulae.evaluation import Windows
from tabulae.files import write_whole
from tabulae.formats.input_statistics import of_squares
from tabulae.planning.budget import Budget
from tabulae.planning.curves import Curve
from tabulae.planning.plan import Calibration, Plan, read_any, write
from tabulae.study.fisher import fisher
from tabulae.study.inputs import Importance, load, save
from tabulae.study.sensitivity import read as read_sensitivity
from tabulae.study.sensitivity import write as write_sensitivity
from tabulae.study.split_text import SplitText
from tabulae.study.study import INPUTS, SCORED, Study, at_least, study
from tabulae.workflows.build import build
from tabulae.workflows.contest import Built, build_within
from tabulae.workflows.curves import Planner
from tabulae.workflows.recipe import by_storages
from tabulae.workflows.trained import TrainedModel
from torch_model import TorchModel


@dataclass(frozen=True)
class How:
    """What decides about a plan, but its budget."""

    by: str = "measured"
    entropy: bool = False
    flat: bool = False
    whole: bool = False
    column_scales: float | None = None
    inputs: int = INPUTS  # windows behind importance, where it is measured in torch

    @property
    def what(self) -> str:
        """The kind of model, as rows name it."""
        return "flat" if self.flat else "entropy" if self.entropy else "plan"


class KeptBuilds:
    """A folder of table models and their plans."""

    def __init__(self, trained: TrainedModel, folder: Path, sensitivity: Path, how: How, torch: bool, threads: int):
        folder.mkdir(parents=True, exist_ok=True)
        self.trained, self.how = trained, how
        self._folder, self._sensitivity, self._torch, self._threads = folder, sensitivity, torch, threads

    def built(self, bits: float) -> Built:
        """The table model of at most so many bits."""
        path = self._folder / f"{self.how.what}-{bits:.3f}-{self._decides(self.how.flat, f'{bits:.6f}')}.tab"
        noted = path.with_suffix(".json")
        if not (path.exists() and noted.exists()):
            start = time.perf_counter()
            write((flat if self.how.flat else planned)(self.planner, path, bits, self._threads), noted)
            print(f"planned and built {path.name} in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        return Built(path, read_any(noted), None)

    def _decides(self, *more: object) -> str:
        """A hash of all that decides about curves, and ``more``."""
        if not self._sensitivity.exists():
            self.study  # noqa: B018  its sensitivities are a part
        known = self.trained.fingerprint, xxhash.xxh3_64_hexdigest(self._sensitivity.read_bytes())
        return xxhash.xxh3_64_hexdigest(repr((CODE, known, replace(self.how, flat=False), more)).encode())

    @cached_property
    def planner(self) -> Planner:
        """Error curves of all candidates, which are kept too."""
        how, path = self.how, self._folder / f"{self._decides()}.curves.json"
        options = {"entropy": how.entropy, "strength": how.column_scales, "threads": self._threads}
        known = msgspec.json.decode(path.read_bytes(), type=dict[str, Curve]) if path.exists() else None
        found = Planner.of(self.trained, self.study, **options, curves=known, progress=shown("curves"))
        write_whole(path, msgspec.json.encode(dict(found.curves)), "curves")
        return found

    @cached_property
    def study(self) -> Study:
        """Importance and sensitivities, from the first half of wiki.valid: constants are chosen on the second."""
        if self._torch and self.how.by == "fisher":
            return study_in_torch(self.trained, self._sensitivity, self.how, self._threads)
        options = {"by": self.how.by, "bands": not self.how.whole, "threads": self._threads}
        return study(self.trained, first_half(), sensitivity=self._sensitivity, **options)


def planned(plans: Planner, path: Path, bits: float, threads: int) -> Plan:
    """Formats mixed."""
    return build_within(plans, path, Budget(bits=bits), threads=threads, progress=shown(path.name)).plan


def flat(plans: Planner, path: Path, bits: float, threads: int) -> Plan:
    """One format for all tensors, columns scaled as for the plan: what is left of its lead is allocation alone."""
    plan = plans.plan(Budget(bits=bits))
    assert plan.totals is not None
    found = plans.flat(plan, plan.totals.file)
    assert found is not None
    build(plans.model, path, by_storages(plans.draft, found), threads=threads)
    print(sorted({entry.format for entry in found.entries}), file=sys.stderr)
    return found


def study_in_torch(trained: TrainedModel, sensitivity: Path, how: How, threads: int) -> Study:
    """The same study with Fisher sensitivities, the float model run in torch; importance is kept beside them."""
    text, path, bands = SplitText(trained, first_half()), Path(f"{sensitivity}.inputs"), not how.whole
    windows = text.choosing(how.inputs)
    known = load(path, trained.fingerprint, trained.program) if path.exists() else None
    if known is None or known.text != windows.fingerprint:
        known = importance_in_torch(trained, windows, threads)
        save(known, path)
    inputs = known.values
    if not sensitivity.exists():
        draft = prepared(trained, inputs, bands=bands)
        options = {"model": trained.fingerprint, "inputs": draft.inputs, "progress": shown("fisher")}
        found = fisher(draft.program, dict(draft.tensors), text.choosing(**SCORED), **options)
        write_sensitivity(msgspec.structs.replace(found, values=at_least(found.values, draft)), sensitivity)
    names = trained.program.tables(), tables_of(trained, bands=bands)
    found = read_sensitivity(sensitivity, trained.fingerprint, *names)
    return Study(found, inputs, Calibration(hash=windows.fingerprint, windows=len(windows)))


def importance_in_torch(trained: TrainedModel, windows: Windows, threads: int) -> Importance:
    """The mean squares of all inputs; no weights are left in memory."""
    model = TorchModel(trained.program, dict(trained.tensors()), threads)
    means, seen = of_squares(model.importance(windows)), len(windows) * (windows.length - 1)
    return Importance(trained.fingerprint, windows.fingerprint, seen, means)


def shown(what: str) -> Callable[[str, int, int], None]:
    """Progress as a line a piece on standard error."""
    return lambda name, done, count: print(f"{what}: {name} {done}/{count}", file=sys.stderr)
