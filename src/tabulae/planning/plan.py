"""The plan: a format for every tensor, and what is known of it. A JSON file that people read and edit.

Of an entry the format and what is done to the tensor first count; bytes and losses are there to be read, and may be
left out. ``read`` checks everything else.

>>> import tempfile
>>> plan = Plan(version=1, model="f00d", entries=(PlannedTensor(name="w", format="int:4/row/absmax"),))
>>> with tempfile.TemporaryDirectory() as folder:
...     write(plan, f"{folder}/plan.json")
...     again = read(f"{folder}/plan.json", model="f00d", names=["w"])
>>> again == plan, str(again.storages()["w"])
(True, 'int:4/row/absmax')
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from tabulae.artifact.names import first_repeat, nearest_set, shown
from tabulae.errors import UsageError
from tabulae.files import unreadable, write_whole
from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.sizes import Fixed
from tabulae.planning.solve import Solution, average_bits, file_bytes, sum_of

VERSION: Final = 1
FLOAT: Final = "float32"  # in place of a storage: the tensor stays as it is
SAID: Final = "the format says it: int:4/g64/search/rotate=0/feedback"


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: immutable, strict."""


class PlannedTensor(_Record, frozen=True):
    """One tensor."""

    name: str
    format: str  # the name of its storage, or float32
    rotate: bool = False  # never: the name of the storage says it, and so for feedback
    column_scale: bool = False
    feedback: bool = False
    file: int | None = None  # bytes of its entries
    memory: int | None = None  # bytes resident
    loss: float | None = None  # predicted, in nats


class Totals(_Record, frozen=True):
    """What a plan costs."""

    file: int  # bytes of the whole file, at most
    memory: int  # bytes resident, all tensors
    bits: float  # of the file but the tokenizer, per parameter, at most


class SensitivitySource(_Record, frozen=True):
    """Where the sensitivities come from."""

    source: str
    hash: str


class Calibration(_Record, frozen=True):
    """The text behind importance and measurements."""

    hash: str
    windows: int


class Plan(_Record, frozen=True, kw_only=True):
    """A format for every tensor that can have one."""

    version: int
    model: str  # fingerprint of the trained model
    budget: Budget | None = None  # what was asked for
    totals: Totals | None = None
    loss: float | None = None  # predicted, in nats
    bound: float | None = None  # no plan of the same candidates and bytes has a lower predicted loss
    gap: float | None = None  # 1 - bound / loss
    sensitivity: SensitivitySource | None = None
    calibration: Calibration | None = None
    column_strength: float = 0.0  # power of the importance by which the columns of entries with column_scale are scaled
    entries: tuple[PlannedTensor, ...]

    def storages(self) -> dict[str, Storage | None]:
        """The storage of every tensor, None for those that stay float32."""
        return {entry.name: None if entry.format == FLOAT else Storage.parse(entry.format) for entry in self.entries}

    def scaled(self) -> frozenset[str]:
        """The tensors whose columns are scaled."""
        return frozenset(entry.name for entry in self.entries if entry.column_scale)


def plan_of(
    solution: Solution,
    fixed: Fixed,
    budget: Budget,
    *,
    model: str,
    sensitivity: SensitivitySource | None = None,
    calibration: Calibration | None = None,
    scaled: Collection[str] = (),
    column_strength: float = 0.0,
) -> Plan:
    """The record of what was found for a budget; ``model`` is the fingerprint of the trained model.

    The columns of the tensors ``scaled`` are scaled before they are stored.
    """
    chosen = solution.chosen
    totals = Totals(
        file=fixed.file + int(sum_of(file_bytes, chosen)),
        memory=fixed.memory + int(sum_of(lambda c: c.memory, chosen)),
        bits=_rounded(average_bits(chosen, fixed)),
    )
    entries = tuple(
        PlannedTensor(
            name=name,
            format=c.storage,
            column_scale=name in scaled,
            file=c.file,
            memory=c.memory,
            loss=_rounded(c.loss),
        )
        for name, c in chosen.items()
    )
    return Plan(
        version=VERSION,
        model=model,
        budget=budget,
        totals=totals,
        loss=_rounded(solution.loss),
        bound=_rounded(solution.bound),
        gap=_rounded(solution.gap),
        sensitivity=sensitivity,
        calibration=calibration,
        column_strength=column_strength if scaled else 0.0,
        entries=entries,
    )


def write(plan: Plan, path: str | Path) -> None:
    """Write the plan as JSON, one entry to a line; the same plan gives the same bytes.

    :raises FileError: the file cannot be written
    """
    record = msgspec.to_builtins(plan)
    entries = ",\n".join(f"    {json.dumps(entry)}" for entry in record.pop("entries"))
    head = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in record.items())
    write_whole(Path(path), f'{{\n{head}  "entries": [\n{entries}\n  ]\n}}\n'.encode(), "the plan")


def read(path: str | Path, *, model: str, names: Collection[str], bands: Collection[str] = ()) -> Plan:
    """Read a plan for the model with that fingerprint, whose tensors with a format are ``names``, or ``bands``.

    :raises FileError: it cannot be read
    :raises UsageError: it is no plan, or of another version or model, or names a tensor or format that is unknown, or
        a tensor twice, or leaves one out
    """
    plan = read_any(path)
    check(plan, model=model, names=names, bands=bands)
    return plan


def read_any(path: str | Path) -> Plan:
    """Read a plan, whatever model it is for; :func:`check` is what else :func:`read` does.

    :raises FileError, UsageError: as for :func:`read`
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        version = msgspec.json.decode(data, type=_Version).version
        _require("version", f"it must be {VERSION}", version == VERSION, version, "plan anew, or update tabulae")
        return msgspec.json.decode(data, type=Plan)
    except msgspec.MsgspecError as error:
        raise UsageError("plan", "it must be JSON of the plan's schema", shown(error), f"look at {path}") from None


class _Version(msgspec.Struct):
    version: int


def check(plan: Plan, *, model: str, names: Collection[str], bands: Collection[str] = ()) -> None:
    """Refuse a plan that does not fit the model.

    :raises UsageError: as for :func:`read`
    """
    hint = "plan anew: tabulae plan"
    _require("model", f"the plan must be for {model}", plan.model == model, f"one for {shown(plan.model)}", hint)
    planned = [entry.name for entry in plan.entries]
    twice, known = first_repeat(planned), nearest_set(planned, names, bands)
    _require("entries", "every tensor must be there once", twice is None, f"{shown(twice)} twice")
    unknown = [name for name in planned if name not in known]
    some = f"such as {', '.join(sorted(known)[:3])}"
    _require("entries", "every name must be of a tensor that can have a format", not unknown, _some(unknown), some)
    missing = sorted(known.difference(planned))
    _require("entries", "every tensor that can have a format must have one", not missing, f"none for {_some(missing)}")
    strength = plan.column_strength
    _require("column_strength", "it must be a number from 0 to 1", 0 <= strength <= 1, strength, "0.25 is usual")
    unscaled = sorted(plan.scaled()) if not strength else []
    must = "it must be above 0 where an entry has column_scale"
    _require("column_strength", must, not unscaled, f"{strength} and {_some(unscaled)}", "0.25 is usual")
    for entry in plan.entries:
        _check_entry(entry)


def _check_entry(entry: PlannedTensor) -> None:
    later = [key for key in ("rotate", "feedback") if getattr(entry, key)]
    _require(
        f"entry {shown(entry.name)}", "what is asked for must be known to this version", not later, _some(later), SAID
    )
    try:
        if entry.format != FLOAT:
            Storage.parse(entry.format).check()
    except UsageError as error:
        raise UsageError(f"plan of {shown(entry.name)}", error.must, shown(error.got), error.hint) from None


def _require(what: str, must: str, holds: bool, got: object, hint: str = "") -> None:
    if not holds:
        raise UsageError(f"plan, {what}", must, got, hint)


def _some(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:3])


def _rounded(value: float) -> float:
    """Six digits: more would only be noise to whoever reads the file."""
    return float(f"{value:.6g}")
