"""What is in a model, table or trained: a description that ``tabulae info`` prints."""

from collections.abc import Collection, Iterable
from math import prod
from pathlib import Path

import msgspec

from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord, TensorRecord
from tabulae.nets.rungs import edges
from tabulae.nets.rungs import layers as layers_of
from tabulae.program.graph import Decoder
from tabulae.program.net import Net
from tabulae.program.ops.attention import Attention
from tabulae.sources import Source
from tabulae.workflows.open_tab import graph_of
from tabulae.workflows.recipe import by_rules, expected_bytes
from tabulae.workflows.trained import is_trained_model, open_trained


class TensorInfo(msgspec.Struct, frozen=True):
    """One tensor as it is stored."""

    name: str
    shape: tuple[int, ...]
    format: str
    bytes: int
    memory: int  # bytes while the model runs: more than in the file where codes have variable length


class FormatInfo(msgspec.Struct, frozen=True):
    """All tensors of one format together."""

    format: str
    tensors: int
    weights: int
    bytes: int


class Description(msgspec.Struct, frozen=True):
    """What :func:`describe` found."""

    provenance: dict[str, str]
    summary: str
    weights: int
    file_bytes: int
    bits_per_parameter: float  # of a table model every byte but the tokenizer, of a trained model its tensors
    formats: tuple[FormatInfo, ...]
    tensors: tuple[TensorInfo, ...]
    memory: int  # bytes of the tensors of a table model while it runs
    built: int | None  # bytes of the whole file in the default formats, at most, for a trained model


def describe(path: str | Path, *, ignore_keys: Collection[str] = ()) -> Description:
    """Describe the model at ``path``; ``ignore_keys`` as of :func:`tabulae.open`.

    :raises FileError: nothing is there
    :raises ModelError: it is no model that tabulae knows
    """
    path = Path(path)
    return _trained_model(path, ignore_keys) if is_trained_model(path, ignore_keys) else _table_model(path)


def _table_model(path: Path) -> Description:
    with open_table_model(path) as file:
        tensors = tuple(_stored(record) for record in file.document.tensors)
        size = path.stat().st_size
        counted = size - sum(blob.stored for blob in file.document.blobs)
        return _description(dict(file.document.provenance), graph_of(file), tensors, size, counted)


def _trained_model(path: Path, ignore_keys: Collection[str]) -> Description:
    with open_trained(path, ignore_keys=ignore_keys) as model:
        tensors = tuple(_source_tensor(model.source, name) for name in model.source.names)
        files = [path] if path.is_file() else [p for p in path.iterdir() if p.is_file()]
        size = sum(p.stat().st_size for p in files)
        counted = sum(tensor.bytes for tensor in tensors)
        built = expected_bytes(model, by_rules(model))
        return _description(model.provenance(), model.program, tensors, size, counted, built)


def _description(
    provenance: dict[str, str],
    program: Decoder | Net,
    tensors: tuple[TensorInfo, ...],
    size: int,
    counted: int,
    built: int | None = None,
) -> Description:
    weights = sum(prod(tensor.shape) for tensor in tensors)
    bits = 8 * counted / weights
    formats = tuple(_groups(tensors))
    memory = sum(tensor.memory for tensor in tensors)
    return Description(provenance, summary(program), weights, size, bits, formats, tensors, memory, built)


def summary(program: Decoder | Net) -> str:
    """The shape of a decoder or of a net in one line."""
    if isinstance(program, Net):
        places = (f"{name} {list(program.values[name].static)}" for name in (*program.inputs, *program.outputs))
        counted = sum(g * r * j for g, r, j in (edges(program, op) for op in layers_of(program)))
        return f"net of {len(program.operations)} operations and {counted} edges: {', '.join(places)}"
    layers = [op for op in program.operations if isinstance(op, Attention)]
    heads = f"{layers[0].heads} heads of {layers[0].head} on {layers[0].kv_heads} key-value heads" if layers else "none"
    return f"{len(layers)} layers, {heads}, vocabulary {program.vocabulary}, context {program.context}"


def _stored(record: TensorRecord) -> TensorInfo:
    memory = size = record.length
    if isinstance(record, TableRecord) and record.coding is not None:
        memory += record.resident_codes - record.coding.length
    return TensorInfo(record.name, record.shape, record.format, size, memory)


def _source_tensor(source: Source, name: str) -> TensorInfo:
    size = source.nbytes(name)
    return TensorInfo(name, source.shape(name), source.dtype(name), size, size)


def _groups(tensors: Iterable[TensorInfo]) -> Iterable[FormatInfo]:
    by_format: dict[str, list[TensorInfo]] = {}
    for tensor in tensors:
        by_format.setdefault(tensor.format, []).append(tensor)
    for name, group in by_format.items():
        yield FormatInfo(name, len(group), sum(prod(t.shape) for t in group), sum(t.bytes for t in group))
