"""Building a table model: tensor by tensor, one in float32 at a time, written as it comes.

The same trained model and options give the same bytes.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from tabulae import __version__
from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import Widths, prove
from tabulae.artifact.records import FloatRecord, PlanEntry, TableRecord, TensorRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.errors import FileError, UsageError
from tabulae.formats import Format
from tabulae.program.operations import Program
from tabulae.sources import Source
from tabulae.workflows.choice import FLOAT, choose, parse_rules
from tabulae.workflows.stored import TOKENIZER
from tabulae.workflows.work_folder import Build, WorkFolder

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


def build(
    model: Trained,
    path: str | Path,
    *,
    formats: Sequence[str] = (),
    threads: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write the table model of ``model`` at ``path``; ``formats`` as in :mod:`tabulae.workflows.choice`.

    A build that was killed or interrupted goes on where it was, from ``PATH.work``, when it is asked for again.

    With ``threads`` above 1 a tensor is stored while the next one is encoded; the bytes are the same.

    :raises UsageError: an unknown format, a path that is the trained model itself, a work folder of another build
    :raises ModelError: NaN or infinity in a tensor
    :raises FileError: the file cannot be written; nothing is left behind
    """
    path = Path(path)
    _check_target(model, path)
    chosen = choose(model.program, model.names, parse_rules(formats))
    provenance = model.source.provenance()
    names = {name: FLOAT if form is None else str(form) for name, form in chosen.items()}
    work = WorkFolder(path, Build(version=__version__, source=provenance, formats=names, importance=""), threads)
    try:
        _write_all(model, work, chosen, provenance, progress)
        work.deliver(path)
    except KeyboardInterrupt:  # like a kill: what was encoded stays for the next try
        raise
    except BaseException:
        work.remove()
        raise
    return path


def _write_all(
    model: Trained,
    work: WorkFolder,
    chosen: Mapping[str, Format | None],
    provenance: Mapping[str, str],
    progress: Progress | None,
) -> None:
    """The whole file, inside the work folder."""
    done, total = 0, model.parameters()
    plan = [PlanEntry(name=name, format=str(form)) for name, form in chosen.items() if form is not None]
    program, records = msgspec.json.encode(model.program), _planned_all(model, chosen)
    with TableModelWriter(
        work.whole, records, program=program, plan=plan, provenance=provenance, blobs=_blobs(model)
    ) as writer:
        for record, form in zip(records, chosen.values(), strict=True):
            if progress:
                progress(record.name, done, total)
            if isinstance(record, TableRecord) and form is not None:
                matrix, widths = work.get(record.name) or _encode(model, work, record, form)
                writer.write_matrix(record.name, matrix, widths)
            else:
                writer.write_float(record.name, model.read(record.name))
            done += math.prod(model.shape(record.name))
    if progress:
        progress("", total, total)


def _encode(model: Trained, work: WorkFolder, record: TableRecord, form: Format) -> tuple[TableMatrix, Widths]:
    """One tensor, kept in the work folder."""
    matrix = form.encode(model.read(record.name)).matrix
    widths = prove(matrix)
    work.put(record, matrix, widths)
    return matrix, widths


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
        entropy=form.entropy,
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
    if path.exists() and not path.is_file():
        got = "a folder" if path.is_dir() else "a device or pipe"
        raise FileError(str(path), "it must be a file to write", got, "give another -o")
