"""How much it costs to store a tensor badly: its sensitivity, and the record of all of them.

The predicted KL of a tensor is ``s R^2``: s its sensitivity in nats, R the relative error of its weights, weighed by
importance where there is one. Three sources give s: ``measured`` (one tensor changed at a time), ``fisher`` (from
gradients) and ``data-free``. A record is JSON, made once and used for every budget.
"""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.artifact.names import nearest_set
from tabulae.epoch import EPOCH
from tabulae.errors import UsageError
from tabulae.evaluation.value import Value
from tabulae.files import unreadable, write_whole

AGAIN = "where there is no such file, they are measured and written"
Source = Literal["measured", "fisher", "data-free"]


class Sensitivity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """KL in nats per unit of squared relative error, for every tensor that can be stored as a table."""

    epoch: int  # of the code that measured them
    model: str  # fingerprint
    source: Source
    text: str | None  # fingerprint of the windows
    values: dict[str, float]
    se: dict[str, float] | None = None  # standard errors over windows

    @classmethod
    def of(cls, model: str, source: Source, text: str, values: Mapping[str, Value]) -> "Sensitivity":
        """What was measured by this code, with standard errors as far as there are any."""
        se = {name: value.se for name, value in values.items() if value.se is not None}
        return cls(EPOCH, model, source, text, {name: value.mean for name, value in values.items()}, se or None)


def relative_error(weights: Float32s, decoded: Float32s, importance: Float32s | None = None) -> float:
    """R^2: ``sum i (w - w^)^2 / sum i w^2`` over [rows, cols], importance i [cols]; 0 where all weights are 0.

    >>> relative_error(np.float32([[3, 4]]), np.float32([[3, 3]]), np.float32([1, 0.5]))
    0.029411764705882353
    """
    error, energy = (np.einsum("ij,ij->j", x, x, dtype=np.float64) for x in (weights - decoded, weights))
    if importance is not None:
        error, energy = error * importance, energy * importance
    return float(error.sum() / energy.sum()) if energy.sum() > 0 else 0.0


def predicted_kl(sensitivity: Mapping[str, float], errors: Mapping[str, float]) -> float:
    """``sum s R^2`` over the tensors of ``errors``, in nats; ``errors`` are R^2.

    >>> predicted_kl({"a": 2.0, "b": 1.0}, {"a": 0.01, "b": 0.02})
    0.04
    """
    return math.fsum(sensitivity[name] * error for name, error in errors.items())


def write(sensitivity: Sensitivity, path: str | Path) -> None:
    """Write the record as JSON; the file appears only when it is complete.

    :raises FileError: the file cannot be written
    """
    data = msgspec.json.format(msgspec.json.encode(sensitivity), indent=1)
    write_whole(Path(path), data + b"\n", "the sensitivities")


def read(path: str | Path, model: str, names: Collection[str], bands: Collection[str] = ()) -> Sensitivity:
    """Read what :func:`write` wrote, for the model with that fingerprint and these tables, or these bands of them.

    :raises FileError: the file cannot be read
    :raises UsageError: another model's, a tensor unknown or missing, a value that is negative or not finite
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        found = msgspec.json.decode(data, type=Sensitivity)
    except msgspec.MsgspecError as error:
        raise UsageError(str(path), "sensitivities must be JSON of their schema", error, AGAIN) from None
    return checked(found, model, nearest_set(found.values, names, bands), str(path))


def checked(sensitivity: Sensitivity, model: str, names: Collection[str], what: str = "sensitivity") -> Sensitivity:
    """The record itself, if it is one for that model and these tables.

    :raises UsageError: as of :func:`read`
    """
    _require(
        what, f"the epoch must be {EPOCH}, of this version of tabulae", sensitivity.epoch == EPOCH, sensitivity.epoch
    )
    _require(what, f"it must be of the model {model}", sensitivity.model == model, f"one of {sensitivity.model}")
    _check_values(what, sensitivity.values, names)
    if sensitivity.se is not None:
        _check_values(f"{what}, se", sensitivity.se, names)
    return sensitivity


def _check_values(what: str, values: Mapping[str, float], names: Collection[str]) -> None:
    unknown, missing = sorted(values.keys() - set(names)), sorted(set(names) - values.keys())
    _require(what, "every tensor must be one of the model's", not unknown, ", ".join(unknown[:5]))
    _require(what, "every tensor of the model must be there", not missing, f"none for {', '.join(missing[:5])}")
    bad = [f"{value} for {name}" for name, value in values.items() if not (math.isfinite(value) and value >= 0)]
    _require(what, "values must be finite and not negative", not bad, ", ".join(bad[:5]))


def _require(what: str, must: str, holds: bool, got: object) -> None:
    if not holds:
        raise UsageError(what, must, got, AGAIN)
