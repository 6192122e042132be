"""Building a table model: tensor by tensor, one in float32 at a time, written as it comes.

The same trained model and options give the same bytes.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import Widths, prove
from tabulae.artifact.records import TableRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.epoch import CODE
from tabulae.errors import FileError, UsageError
from tabulae.files import check_place
from tabulae.formats import Storage
from tabulae.planning.sizes import planned_record
from tabulae.workflows.choice import FLOAT
from tabulae.workflows.recipe import Recipe, Trained, blobs_of, records_of
from tabulae.workflows.work_folder import Build, WorkFolder

Progress = Callable[[str, int, int], object]  # tensor that comes next, weights done, weights in all
Storages = Mapping[str, Storage | None]


class Encoder:
    """Tensors in storages, each encoded once and kept in the work folder."""

    def __init__(self, recipe: Recipe, work: WorkFolder) -> None:
        self._recipe, self._work = recipe, work

    def matrix(self, record: TableRecord, storage: Storage) -> tuple[TableMatrix, Widths]:
        """The tensor of a planned record."""
        return self._work.get(record) or self._encode(record, storage)

    def settled(self, name: str, storage: Storage) -> TableRecord:
        """The record of an encoded tensor, with the lengths that it really has."""
        rows, cols = self._recipe.draft.shape(name)
        planned = planned_record(name, (rows, cols), storage)
        found = self._work.settled(planned)
        if found is None:
            self._encode(planned, storage)
            found = self._work.settled(planned)
        if found is None:
            raise FileError(str(self._work.path), f"{name} must be there as it was written", "another file")
        return found

    def _encode(self, record: TableRecord, storage: Storage) -> tuple[TableMatrix, Widths]:
        name, recipe = record.name, self._recipe
        matrix = storage.encode(recipe.draft.read(name), recipe.draft.inputs.get(name)).matrix
        widths = prove(matrix)
        self._work.put(record, matrix, widths)
        return matrix, widths


Settle = Callable[[Encoder], Storages]  # what is known only when tensors are encoded


def build(
    model: Trained,
    path: str | Path,
    recipe: Recipe,
    *,
    settle: Settle | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write the table model of ``model`` at ``path`` as ``recipe`` says.

    A build that was killed or interrupted goes on where it was, from ``PATH.work``, when it is asked for again.

    With ``threads`` above 1 a tensor is stored while the next one is encoded; the bytes are the same.

    :raises UsageError: a path that is the trained model itself, a work folder of another build, or in use
    :raises ModelError: NaN or infinity in a tensor
    :raises FileError: the file cannot be written; nothing is left behind
    """
    path = Path(path)
    check_target(model, path)
    names = {name: FLOAT if storage is None else str(storage) for name, storage in recipe.storages.items()}
    identity = Build(code=CODE, source=model.provenance(), formats=names, importance=recipe.hash)
    with WorkFolder(path, identity, threads) as work:
        encoder = Encoder(recipe, work)
        _write_all(model, replace(recipe, storages=settle(encoder)) if settle else recipe, work, encoder, progress)
        work.deliver(path)
    return path


def _write_all(model: Trained, recipe: Recipe, work: WorkFolder, encoder: Encoder, progress: Progress | None) -> None:
    """The whole file, inside the work folder."""
    done, total, draft = 0, model.parameters(), recipe.draft
    records = records_of(recipe)
    with TableModelWriter(
        work.whole,
        records,
        program=msgspec.json.encode(draft.program),
        provenance=model.provenance(),
        blobs=blobs_of(model),
    ) as writer:
        for record, storage in zip(records, recipe.storages.values(), strict=True):
            if progress:
                progress(record.name, done, total)
            if isinstance(record, TableRecord) and storage is not None:
                writer.write_matrix(record.name, *encoder.matrix(record, storage))
            else:
                writer.write_float(record.name, draft.read(record.name))
            done += math.prod(draft.shape(record.name))
    if progress:
        progress("", total, total)


def check_target(model: Trained, path: Path) -> None:
    """Never write over what is being read, nor where nothing can be written."""
    check_place(path)
    source = model.source.path
    same = path.exists() and os.path.samefile(path, source)
    if same or (source.is_dir() and path.resolve().parent == source.resolve() and path.suffix != ".tab"):
        raise UsageError("output", "it must be another file than the trained model", path, "give another -o")
    if path.exists() and not path.is_file():
        got = "a folder" if path.is_dir() else "a device or pipe"
        raise FileError(str(path), "it must be a file to write", got, "give another -o")
