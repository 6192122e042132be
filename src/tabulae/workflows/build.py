"""Building a table model: tensor by tensor, one in float32 at a time, written as it comes.

The same trained model and options give the same bytes.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.widths import prove
from tabulae.artifact.records import FloatRecord, PlanEntry, TableRecord, TensorRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.errors import UsageError
from tabulae.formats import Format
from tabulae.program.operations import Program
from tabulae.sources import Source
from tabulae.workflows.choice import choose, parse_rules
from tabulae.workflows.stored import TOKENIZER

Progress = Callable[[str, int, int], None]  # tensor that comes next, weights done, weights in all


class Trained(Protocol):
    """What building needs of a trained model; :class:`tabulae.workflows.trained.TrainedModel` is one."""

    source: Source
    program: Program

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor."""
        ...

    def read(self, name: str) -> Float32s:
        """One tensor in float32."""
        ...

    def parameters(self) -> int:
        """Number of weights."""
        ...


def build(model: Trained, path: str | Path, *, formats: Sequence[str] = (), progress: Progress | None = None) -> Path:
    """Write the table model of ``model`` at ``path``; ``formats`` as in :mod:`tabulae.workflows.choice`.

    :raises UsageError: an unknown format, or a path that is the trained model itself
    :raises ModelError: NaN or infinity in a tensor
    :raises FileError: the file cannot be written; nothing is left behind
    """
    path = Path(path)
    _check_target(model, path)
    chosen = choose(model.program, model.names, parse_rules(formats))
    records = _planned_all(model, chosen)
    plan = [
        PlanEntry(name=name, format=str(form), rotate=False, column_scale=False, feedback=False)
        for name, form in chosen.items()
        if form is not None
    ]
    done, total = 0, model.parameters()
    with TableModelWriter(
        path,
        records,
        program=msgspec.json.encode(model.program),
        plan=plan,
        provenance=model.source.provenance(),
        blobs=_blobs(model),
    ) as writer:
        for name, form in chosen.items():
            if progress:
                progress(name, done, total)
            done += _write(writer, model, name, form)
    if progress:
        progress("", total, total)
    return path


def _write(writer: TableModelWriter, model: Trained, name: str, form: Format | None) -> int:
    """One tensor; its number of weights."""
    weights = model.read(name)
    if form is None:
        writer.write_float(name, weights)
    else:
        matrix = form.encode(weights).matrix
        writer.write_matrix(name, matrix, prove(matrix))
    return weights.size


def planned_records(model: Trained, formats: Sequence[str] = ()) -> list[TensorRecord]:
    """What :func:`build` would write, without reading a weight."""
    return _planned_all(model, choose(model.program, model.names, parse_rules(formats)))


def _planned_all(model: Trained, chosen: Mapping[str, Format | None]) -> list[TensorRecord]:
    return [_planned(name, model.shape(name), form) for name, form in chosen.items()]


def _planned(name: str, shape: tuple[int, ...], form: Format | None) -> TensorRecord:
    if form is None:
        return FloatRecord(name=name, shape=shape)
    rows, cols = shape
    return TableRecord.planned(
        name,
        rows=rows,
        cols=cols,
        format=str(form),
        bits=form.element.bits,
        group=form.group,
        tensor_scale=form.granularity == "tensor",
        outliers=int(form.sparse * rows * cols),
    )


def _blobs(model: Trained) -> Mapping[str, bytes]:
    vocabulary = model.source.vocabulary()
    return {} if vocabulary is None else {TOKENIZER: msgspec.json.encode(vocabulary)}


def _check_target(model: Trained, path: Path) -> None:
    """Never write over what is being read."""
    source = model.source.path
    same = path.exists() and os.path.samefile(path, source)
    if same or (source.is_dir() and path.resolve().parent == source.resolve() and path.suffix != ".tab"):
        raise UsageError("output", "it must be another file than the trained model", path, "give another -o")
