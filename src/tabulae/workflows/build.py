"""Building a table model: tensor by tensor, one in float32 at a time, written as it comes.

The same trained model and options give the same bytes.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import Widths, prove
from tabulae.artifact.records import TableRecord, TensorRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.epoch import CODE
from tabulae.errors import FileError, UsageError
from tabulae.files import check_place
from tabulae.formats import Storage
from tabulae.planning.sizes import planned_record
from tabulae.program.trained import Trained
from tabulae.progress import Progress, silent
from tabulae.workflows.recipe import FLOAT, Recipe, blobs_of, records_of
from tabulae.workflows.work_folder import Build, WorkFolder

Storages = Mapping[str, Storage | None]


class Encoder:
    """Tensors in storages, each encoded once and kept in the work folder."""

    def __init__(self, recipe: Recipe, work: WorkFolder) -> None:
        self._recipe, self._work = recipe, work

    def matrix(self, record: TableRecord, storage: Storage) -> tuple[TableMatrix, Widths]:
        """The tensor of a planned record."""
        found = self._work.get(record)
        if found is None:
            draft = self._recipe.draft
            encoded = storage.encode(draft.read(record.name), draft.inputs.get(record.name))
            found = encoded.matrix, prove(encoded.matrix)
            self._work.put(record, *found)
        return found

    def settled(self, name: str, storage: Storage) -> TableRecord:
        """The record of an encoded tensor, with the lengths that it really has."""
        rows, cols = self._recipe.draft.shape(name)
        planned = planned_record(name, (rows, cols), storage)
        found = self._work.settled(planned)
        if found is None:
            self.matrix(planned, storage)
            found = self._work.settled(planned)
        if found is None:
            raise FileError(str(self._work.path), f"{name} must be there as it was written", "another file")
        return found


Settle = Callable[[Encoder], Storages]  # what is known only when tensors are encoded


def build(
    model: Trained,
    path: str | Path,
    recipe: Recipe,
    *,
    settle: Settle | None = None,
    threads: int = 1,
    progress: Progress = silent,
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
        recipe = replace(recipe, storages=settle(encoder)) if settle else recipe
        draft, records, done, total = recipe.draft, records_of(recipe), 0, model.parameters()
        with _writer(model, recipe, work.whole, records) as writer:
            for record, storage in zip(records, recipe.storages.values(), strict=True):
                progress(record.name, done, total)
                if isinstance(record, TableRecord) and storage is not None:
                    writer.write_matrix(record.name, *encoder.matrix(record, storage))
                else:
                    writer.write_float(record.name, draft.read(record.name))
                done += math.prod(draft.shape(record.name))
        progress("", total, total)
        work.deliver(path)
    return path


def _writer(model: Trained, recipe: Recipe, path: Path, records: Sequence[TensorRecord]) -> TableModelWriter:
    """The whole file, but for its tensors."""
    program, provenance = msgspec.json.encode(recipe.draft.program), model.provenance()
    return TableModelWriter(path, records, program=program, provenance=provenance, blobs=blobs_of(model))


def check_target(model: Trained, path: Path) -> None:
    """Never write over what is being read, nor where nothing can be written."""
    check_place(path)
    source = model.path
    same = path.exists() and os.path.samefile(path, source)
    if same or (source.is_dir() and path.resolve().parent == source.resolve() and path.suffix != ".tab"):
        raise UsageError("output", "it must be another file than the trained model", path, "give another -o")
    if path.exists() and not path.is_file():
        got = "a folder" if path.is_dir() else "a device or pipe"
        raise FileError(str(path), "it must be a file to write", got, "give another -o")
