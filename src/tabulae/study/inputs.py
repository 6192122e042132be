"""Importance: how loud every input column of every linear is, the mean of its squares over calibration text.

With it, where it is asked for, the Gram matrix of the input: how columns go together.

A weight's error times its input is an error of the output: weighed by importance, squared errors of weights are those
of outputs, but for the correlation of inputs (the diagonal of X X^T, as in the imatrix of llama.cpp).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.cores import machine_memory
from tabulae.errors import ModelError, UsageError
from tabulae.evaluation.files import read_safetensors
from tabulae.evaluation.task import Task
from tabulae.files import write_whole
from tabulae.formats.input_statistics import InputStatistics, of_squares
from tabulae.program.graph import Decoder
from tabulae.progress import Progress, silent
from tabulae.runtime.tapped import Tappable, Tapped
from tabulae.study.gram import GramSum

KEY = "tabulae.importance"
VERSION = 1
AGAIN = "measure the importance anew"
FEWER = "ask for those of fewer linears at a time"


@dataclass(frozen=True, eq=False)
class Importance:
    """Mean squares of inputs, and where they come from."""

    model: str  # fingerprint
    text: str  # fingerprint of the task: windows of a text
    tokens: int  # positions that were seen (by the head: fewer, those scored)
    values: Mapping[str, InputStatistics]  # of every linear


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON record beside the tensors."""

    version: int
    model: str
    text: str
    tokens: int


class _Statistics:
    """A tap: the sum of x^2 per column, float64, the number of rows, and the Gram matrix if it is asked for."""

    def __init__(self, cols: int, gram: bool) -> None:
        self._rows, self._sums, self._gram = 0, np.zeros(cols), GramSum() if gram else None

    def __call__(self, x: Float32s) -> None:
        self._rows += len(x)
        squares: Float64s = np.square(x, dtype=np.float64).sum(axis=0)
        self._sums = self._sums + squares
        if self._gram is not None:
            self._gram(x)

    @property
    def mean(self) -> InputStatistics:
        """Where no position came (to an expert that the text never chose) all columns count alike."""
        if self._rows == 0:
            return InputStatistics(np.ones(len(self._sums), np.float32))
        with np.errstate(over="ignore"):  # infinite then, and refused
            mean_square = (self._sums / self._rows).astype(np.float32)
        return InputStatistics(mean_square, None if self._gram is None else self._gram.mean)


def measure_inputs(
    model: Tappable, task: Task, fingerprint: str, *, grams: Collection[str] = (), progress: Progress = silent
) -> Importance:
    """Run ``model`` (best the float model) over all examples; ``fingerprint`` says later whose importance it is.

    Linears of one input share its statistics, computed once. The same model and task give the same numbers.
    ``grams``: linears whose inputs' Gram matrices are kept too, each of 8 cols^2 bytes (:func:`gram_bytes`).

    :raises UsageError: ``grams`` that are no linears, or do not fit the memory of this machine
    :raises ModelError: an input that is NaN or infinite
    """
    inputs = model.program.inputs_of_linears()
    wanted = _wanted(model.program, grams)
    columns = model.program.columns()
    taps = {first: _Statistics(columns[first], first in wanted) for first in dict.fromkeys(inputs.values())}
    tapped = Tapped(model, taps)
    tokens = 0
    for example in range(len(task)):
        task.run(tapped, example)
        tokens += len(task.given(example)[1])
        progress("importance", example + 1, len(task))
    means = {first: tap.mean for first, tap in taps.items()}
    for first, mean in means.items():
        if not np.isfinite(mean.mean_square).all():
            raise ModelError(first, "its inputs must be finite", "NaN or infinity")
    values = MappingProxyType({linear: means[first] for linear, first in inputs.items()})
    return Importance(fingerprint, task.fingerprint, tokens, values)


def gram_bytes(program: Decoder, linears: Collection[str]) -> int:
    """Bytes of the Gram matrices of the inputs of some linears, of which those of one input share one.

    :raises UsageError: a name that is no linear's
    """
    inputs, columns = program.inputs_of_linears(), program.columns()
    unknown = sorted(set(linears) - inputs.keys())
    _require("gram", "names must be of linears of the model", not unknown, ", ".join(unknown[:5]))
    return sum(8 * columns[first] ** 2 for first in {inputs[name] for name in linears})


def _wanted(program: Decoder, grams: Collection[str]) -> frozenset[str]:
    """The inputs, by their first linears, whose Gram matrices are kept."""
    size, memory = gram_bytes(program, grams), machine_memory()
    _require(
        "gram", f"Gram matrices must fit the {memory} bytes of this machine", size <= memory, f"{size} bytes", FEWER
    )
    inputs = program.inputs_of_linears()
    return frozenset(inputs[name] for name in grams)


def save(importance: Importance, path: str | Path) -> None:
    """Write it as safetensors, mean squares alone; same importance, same bytes.

    :raises FileError: the file cannot be written
    """
    from safetensors.numpy import save as to_bytes

    record = _Record(VERSION, importance.model, importance.text, importance.tokens)
    arrays = {name: np.ascontiguousarray(importance.values[name].mean_square) for name in sorted(importance.values)}
    write_whole(Path(path), to_bytes(arrays, {KEY: msgspec.json.encode(record).decode()}), "the importance")


def load(path: str | Path, model: str, program: Decoder) -> Importance:
    """Read what :func:`save` wrote, for the model with that fingerprint.

    :raises FileError: no such file, or no safetensors file
    :raises UsageError: another model's, a linear unknown or missing, NaN, infinite or negative values
    """
    metadata, arrays = read_safetensors(path, "the importance")
    try:
        record = msgspec.json.decode(metadata.get(KEY, "{}"), type=_Record)
    except msgspec.MsgspecError as error:
        raise UsageError(str(path), f"the metadata must hold a record {KEY}", error, AGAIN) from None
    _require(path, f"the version must be {VERSION}", record.version == VERSION, record.version)
    _require(path, f"it must be of the model {model}", record.model == model, f"one of {record.model}")
    check_values(str(path), arrays, program)
    return Importance(record.model, record.text, record.tokens, MappingProxyType(of_squares(arrays)))


def check_values(what: str, values: Mapping[str, Float32s], program: Decoder) -> None:
    """Refuse what is not float32 [cols], finite and not negative, for every linear of ``program``.

    :raises UsageError: naming the linear
    """
    columns = program.columns()
    unknown, missing = sorted(values.keys() - columns.keys()), sorted(columns.keys() - values.keys())
    _require(what, "every tensor must be a linear of the model", not unknown, ", ".join(unknown[:5]))
    _require(what, "every linear of the model must be there", not missing, f"none for {', '.join(missing[:5])}")
    for name, x in values.items():
        fits = x.dtype == np.float32 and x.shape == (columns[name],)
        _require(what, f"{name} must be float32 [{columns[name]}]", fits, f"{x.dtype} {list(x.shape)}")
        good = np.isfinite(x) & (x >= 0)
        got = "" if good.all() else f"{x[~good][0]} at column {int(np.argmin(good))}"
        _require(what, f"{name} must be finite and not negative", not got, got)


def _require(what: str | Path, must: str, holds: bool, got: object, hint: str = AGAIN) -> None:
    if not holds:
        raise UsageError(str(what), must, got, hint)
