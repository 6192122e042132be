"""The JSON document of a table model: its program, one record per tensor and blob, the provenance.

A tensor is named twice in the header: in its record, and in its slot. What an encoded tensor may still decide is at its
widest in the record that was planned (``TableRecord.planned``), so the planned document is never the shorter one.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from tabulae.artifact import container
from tabulae.artifact.names import check_name, check_unique, shown
from tabulae.artifact.record import NO_HASH, Part, Record, Strict
from tabulae.artifact.records import TensorRecord
from tabulae.artifact.records.table import RANS
from tabulae.errors import TableModelError

SCHEMA: Final = 2
_Record = TypeVar("_Record", bound=Record)
FEATURES: Final = frozenset({RANS})  # what a file may require of its reader


class BlobRecord(Record, frozen=True, kw_only=True):
    """Bytes that are no tensor: ``tabulae.tokenizer``."""

    WORD: ClassVar[str] = "blob"

    bytes: Annotated[int, Meta(ge=0, le=2**40)]

    def __post_init__(self) -> None:
        check_name(self.name, blob=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """One axis."""
        return (self.bytes,)

    @property
    def format(self) -> str:
        """None but bytes."""
        return "bytes"

    def parts(self) -> tuple[Part, ...]:
        """The bytes."""
        return (Part("bytes", "U8", (self.bytes,)),)


class Document(Strict, frozen=True, kw_only=True):
    """The JSON document of a table model."""

    schema: Literal[2]
    required: tuple[str, ...] = ()  # features without which the file cannot be understood, as `required_features`
    program: msgspec.Raw  # any JSON value; this package does not look into it
    tensors: tuple[TensorRecord, ...]  # in the order of the file
    blobs: tuple[BlobRecord, ...] = ()  # behind the tensors
    provenance: dict[str, str]

    def __post_init__(self) -> None:
        check_unique("tensor", [record.name for record in self.records()])
        if self.required != required_features(self.tensors):
            must = f"it must require {list(required_features(self.tensors))}, as its tensors do"
            raise TableModelError("document", must, shown(list(self.required)))

    def records(self) -> tuple[Record, ...]:
        """Of tensors and blobs, in the order of the file."""
        return (*self.tensors, *self.blobs)

    def slots(self) -> dict[str, int]:
        """Bytes of every slot, in the order of the file; the seal is not among them."""
        return {record.name: record.stored for record in self.records()}

    def head(self, room: int = 0) -> bytes:
        """All bytes before the data, as :func:`container.encode_head`."""
        return container.encode_head(msgspec.json.encode(self), self.slots(), room)


def hashed(record: _Record, hash: str = NO_HASH) -> _Record:
    """The record with a hash; without telling one, as long as it will be."""
    return msgspec.structs.replace(record, hash=hash)


def required_features(tensors: Iterable[TensorRecord]) -> tuple[str, ...]:
    """What the records ask of a reader beyond the first version of the schema, in order."""
    return tuple(sorted(frozenset[str]().union(*(tensor.features() for tensor in tensors))))


class _Preamble(msgspec.Struct):
    """What must be understood of a document before the rest is looked at."""

    schema: int
    required: tuple[str, ...] = ()


def parse_document(text: str) -> Document:
    """The document, after its schema and the features that it asks for.

    :raises TableModelError: anything in it is not as this version knows it
    """
    container.strict_json("document", text)
    try:
        _check_preamble(msgspec.json.decode(text, type=_Preamble))
        document = msgspec.json.decode(text, type=Document)
    except msgspec.MsgspecError as error:
        raise TableModelError("document", "it must follow the schema", shown(error)) from None
    for record in document.records():
        if record.hash is None:
            raise record.error("it must have a hash", "none")
    return document


def _check_preamble(preamble: _Preamble) -> None:
    if preamble.schema != SCHEMA:
        way_out = "rebuild it from the source" if preamble.schema == 1 else "update tabulae"
        raise TableModelError("document", f"its schema must be {SCHEMA}", preamble.schema, way_out)
    if unknown := sorted(set(preamble.required) - FEATURES):
        raise TableModelError("document", "this version must know what it requires", shown(unknown), "update tabulae")
