"""Examples that a net is made and judged with: arrays by the names of inputs, and labels if there are any."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Int64s
from tabulae.errors import ModelError, UsageError
from tabulae.files import check_there

LABELS = "labels"  # the key of an npz file that is no input
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Data:
    """``inputs``: name -> examples [n, ...]; ``labels`` [n]: the number of the right answer of each."""

    inputs: dict[str, npt.NDArray[Any]]
    labels: Int64s | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def read(place: str, shapes: Mapping[str, tuple[int, ...]]) -> Data:
    """Data of a net with these inputs: of an npz file, or of ``module:function``, which gives its arrays.

    :raises FileError: no such file
    :raises UsageError: another name, shape or number of examples; numbers that are none
    """
    arrays = _called(place) if ":" in place and not Path(place).exists() else _loaded(Path(place))
    labels = arrays.pop(LABELS, None)
    data = Data(arrays, _labels(labels))
    check_examples(arrays, shapes, () if labels is None else (len(labels),))
    return data


def check_examples(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]], more: tuple[int, ...] = ()) -> None:
    """Refuse arrays that are not examples of these inputs; ``more``: other numbers of examples that must agree.

    :raises UsageError: another name, shape or number of examples; numbers that are none
    """
    for name, array in arrays.items():
        _check(name, array, shapes)
    if missing := sorted(set(shapes) - set(arrays)):
        raise UsageError("data", f"it must hold {', '.join(shapes)}", f"no {', '.join(missing)}")
    lengths = {len(array) for array in arrays.values()} | set(more)
    if len(lengths) != 1 or not max(lengths):
        raise UsageError("data", "all arrays must have as many examples, one at least", sorted(lengths))


def _loaded(path: Path) -> dict[str, npt.NDArray[Any]]:
    check_there(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except Exception as error:  # of zip, of zlib, of memory: whatever a file of another kind leads to
        hint = "write it by numpy.savez(path, x=..., labels=...)"
        raise ModelError(str(path), "data must be an npz file of arrays of numbers", error, hint) from None


def _called(place: str) -> dict[str, npt.NDArray[Any]]:
    module, _, function = place.partition(":")
    try:
        found = dict(getattr(import_module(module), function)())
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        must = "it must be a file, or module:function that gives arrays by name"
        raise UsageError("data", must, place, str(error)) from None
    return {name: np.asarray(array) for name, array in found.items()}


def _check(name: str, array: npt.NDArray[Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    if name not in shapes:
        raise UsageError("data", "arrays must be inputs of the net", name, f"accepted: {', '.join(shapes)}, {LABELS}")
    if array.shape[1:] != shapes[name] or array.dtype.kind not in "biuf":
        must = f"{name} must be numbers [examples, {', '.join(map(str, shapes[name]))}]"
        raise UsageError("data", must, f"{array.dtype} {list(array.shape)}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UsageError("data", f"every number of {name} must be finite", "NaN or infinity", "leave these out")


def _labels(labels: npt.NDArray[Any] | None) -> Int64s | None:
    if labels is None:
        return None
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
        raise UsageError("data", "labels must be numbers of answers, 0, 1, ... [examples]", f"{labels.dtype}")
    return labels.astype(np.int64)
