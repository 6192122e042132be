"""Loading a table model: the file is mapped, every weight is read where it lies."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tabulae.artifact.reader import TableModelFile, open_table_model
from tabulae.artifact.records import FloatRecord, TableRecord
from tabulae.errors import TableModelError
from tabulae.program.operations import Program
from tabulae.program.shapes import check_shapes
from tabulae.runtime.binding import Binding, Weight
from tabulae.runtime.language_model import LanguageModel
from tabulae.text.data import TokenizerData
from tabulae.workflows.build import TOKENIZER


def load(path: str | Path, *, verify: bool = False, **options: Any) -> LanguageModel:
    """The language model of a table model.

    ``options``: ``context`` (tokens; default 2,048 or what the model was trained for), ``threads`` (default: all
    cores), ``arithmetic`` (auto, multiply, lookup), ``isa`` (default: the best that runs here). ``verify`` checks
    every hash and proves the widths anew first.

    :raises FileError: the file is missing
    :raises TableModelError: it is malformed or altered
    """
    file = open_table_model(path, verify=verify)
    return from_file(file, **options)


def from_file(file: TableModelFile, *, decoded: bool = False, **options: Any) -> LanguageModel:
    """The same from an open file; ``decoded``: tables as the float32 weights they stand for, activations float."""
    binding = Binding(program_of(file), weights_of(file, decoded=decoded))
    return LanguageModel(binding, vocabulary_of(file), on_close=file.close, **options)


def weights_of(file: TableModelFile, *, decoded: bool = False) -> dict[str, Weight]:
    """All weights by name, tables as they lie in the file or decoded to float32."""
    return {record.name: _weight(file, record, decoded) for record in file.document.tensors}


def program_of(file: TableModelFile) -> Program:
    """The program, checked against the tensors of the file."""
    try:
        program = msgspec.json.decode(file.document.program, type=Program)
    except msgspec.MsgspecError as error:
        raise TableModelError("program", "it must follow the schema", error) from None
    check_shapes(program, {record.name: _shape(record) for record in file.document.tensors})
    return program


def vocabulary_of(file: TableModelFile) -> TokenizerData | None:
    """The stored tokenizer, if there is one."""
    if all(blob.name != TOKENIZER for blob in file.document.blobs):
        return None
    try:
        return msgspec.json.decode(file.blob(TOKENIZER), type=TokenizerData)
    except msgspec.MsgspecError as error:
        raise TableModelError("tokenizer", "it must follow the schema", error) from None


def _shape(record: TableRecord | FloatRecord) -> tuple[int, ...]:
    return (record.rows, record.cols) if isinstance(record, TableRecord) else record.shape


def _weight(file: TableModelFile, record: TableRecord | FloatRecord, decoded: bool) -> Weight:
    if isinstance(record, FloatRecord):
        return file.float(record.name)
    if not decoded:
        return file.matrix_parts(record.name)
    matrix = file.matrix(record.name)
    weights: np.ndarray = matrix.decode()
    return weights if matrix.rotation is None else matrix.rotation.unrotate_weights(weights)
