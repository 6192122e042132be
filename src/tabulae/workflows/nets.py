"""Nets from a trained net to a table model and back."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tabulae.artifact.reader import TableModelFile, open_table_model
from tabulae.artifact.records.array import ArrayRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.errors import ModelError, TableModelError
from tabulae.nets.builder import Built
from tabulae.nets.readers import onnx_file
from tabulae.nets.trained_net import TrainedNet
from tabulae.program.net import Net
from tabulae.workflows.open_tab import arrays_of, graph_of


def is_net_source(path: str | Path) -> bool:
    """Whether a path is a trained net's, by its name."""
    return Path(path).suffix == ".onnx"


def open_net(path: str | Path, inputs: Mapping[str, tuple[int, ...]] | None = None) -> TrainedNet:
    """The trained net of a file; ``inputs`` gives shapes that the file leaves open.

    :raises ModelError: a file of another kind
    """
    if not is_net_source(path):
        hint = "scikit-learn estimators come as Python objects: tabulae.nets.readers.scikit.read"
        raise ModelError(str(path), "a trained net must be an ONNX file", Path(path).suffix or "no suffix", hint)
    return onnx_file.read(path, dict(inputs or {}))


def write_net(built: Built, path: str | Path, provenance: Mapping[str, str] | None = None) -> None:
    """A net as a table model: its program, and its arrays as they are."""
    records = [ArrayRecord.of(name, array) for name, array in built.arrays.items()]
    known = dict(provenance or {})
    with TableModelWriter(path, records, program=msgspec.json.encode(built.program), provenance=known) as writer:
        for name, array in built.arrays.items():
            writer.write(name, {"integers": array})


def read_net(path: str | Path) -> Built:
    """The net of a table model, its arrays views into the file.

    :raises TableModelError: it is a language model, malformed or altered
    """
    return net_of(open_table_model(path))


def net_of(file: TableModelFile) -> Built:
    """The same of an open file."""
    program = graph_of(file)
    if not isinstance(program, Net):
        raise TableModelError(str(file.path), "it must be a net", "a language model", "give it text: tabulae run")
    return Built(program, arrays_of(file))
