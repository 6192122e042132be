"""What a tensor in a storage costs: bytes of the file, its share of the header, bytes resident. Nothing is encoded.

Parts are counted with their padding. Two things are known only when a tensor is encoded and counted at their widest,
as the writer does when it makes room: codepoints (16 bits) and outliers (32). Codes of variable length are counted as
long as those of a sample.

>>> sizes = table_sizes("w", (576, 576), "normal:4/g64/signmax")
>>> sizes.file, sizes.memory, 576 * 576 // 2 + 64 + 9 * 576 + 2 * 576 + 64
(172352, 172352, 172352)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.artifact import container
from tabulae.artifact.document import SCHEMA, BlobRecord, Document, hashed
from tabulae.artifact.record import ALIGN, Record, padded
from tabulae.artifact.records import FloatRecord, TableRecord
from tabulae.artifact.records.table import RANS, Coding
from tabulae.codes.rans import expected_length
from tabulae.formats import Format, Storage

TAIL = 1.5  # how much farther out the largest of all weights may lie than that of a sample (measured: 1.0 to 1.9)
FEATURE = len(rf"\"required\":[\"{RANS}\"],")  # in the header, if any codes have variable length
BLOBS = len(r"\"blobs\":[],")  # if there are any
SCALED = len(r"\"column_scale\":true,")  # of every table whose columns are scaled

Shape = tuple[int, int]
DIGITS = 10  # of an offset in the header, unless told: files up to 10 GB


class Coded(msgspec.Struct, frozen=True):
    """How long codes of variable length are."""

    stored: float  # bits in the file, on average
    codes: float  # about how many different ones there are: in memory each takes as many bits as all of them need


@dataclass(frozen=True)
class Sizes:
    """Bytes of one tensor."""

    file: int  # its slot
    memory: int  # resident while the model runs
    header: int  # at most what it adds to the header


@dataclass(frozen=True)
class Fixed:
    """What no choice of formats changes."""

    file: int  # bytes: header, float32 tensors, tokenizer, seal
    memory: int  # bytes resident
    counted: int  # bytes of the file that count in bits per parameter: all but the tokenizer
    parameters: int  # all weights of the model, tied tensors once


def coded_of(matrix: TableMatrix, weights: int, shares: Float32s) -> Coded:
    """How long codes distributed as those of ``matrix`` are in a tensor of so many weights; rows count ``shares``."""
    each = np.repeat(shares.astype(np.float64), matrix.cols)
    counts = np.bincount(matrix.codes.reshape(-1), each) * (weights / each.sum())
    stored = 8 * expected_length(np.ceil(counts).astype(np.int64)) / weights
    return Coded(stored, len(counts) * (TAIL if weights > matrix.codes.size else 1))


def planned_record(name: str, shape: Shape, storage: Storage) -> TableRecord:
    """The record of a tensor before it is encoded, as the writer makes room for it."""
    (rows, cols), form = shape, storage.format
    return TableRecord.planned(
        name,
        rows=rows,
        cols=cols,
        format=str(storage),
        bits=form.element.bits,
        group=form.group,
        exponents=storage.exponents,
        tensor_scale=form.granularity == "tensor",
        outliers=int(Fraction(repr(form.sparse)) * rows * cols),
        entropy=form.entropy,
    )


def table_sizes(name: str, shape: Shape, storage: str, coded: Coded | None = None, digits: int = DIGITS) -> Sizes:
    """The sizes of one tensor [rows, cols]; ``digits`` as of :func:`header_bytes`."""
    wanted = Storage.parse(storage)
    planned = planned_record(name, shape, wanted)
    record = planned if coded is None else _expected(planned, coded, wanted.format)
    return Sizes(record.stored, resident_bytes(record), header_bytes(planned, digits))


def _expected(record: TableRecord, coded: Coded, form: Format) -> TableRecord:
    """The record as it will be, if the codes are as long as expected."""
    bits = min(record.bits, max(1, ceil(log2(coded.codes)))) if form.element.entropy else record.bits
    record = msgspec.structs.replace(record, bits=bits, coding=None)
    length = ceil(coded.stored * record.rows * record.cols / 8)
    if length >= record.resident_codes:
        return record
    return msgspec.structs.replace(record, coding=Coding(name=RANS, length=length))


def fixed_sizes(
    floats: Sequence[FloatRecord],
    parameters: int,
    *,
    program: bytes = b"null",
    provenance: Mapping[str, str] | None = None,
    blobs: Mapping[str, int] | None = None,
    scaled: int = 0,
    runtime: int = 0,
    digits: int = DIGITS,
) -> Fixed:
    """The fixed part of a file.

    ``blobs`` by length; ``scaled``: tables whose columns are scaled; ``runtime``: bytes resident beside the tensors.
    """
    blob_records = [BlobRecord(name=name, bytes=length) for name, length in (blobs or {}).items()]
    header = _bare_header(program, provenance or {}) + FEATURE + 2 * digits + ALIGN - 1  # offsets of the seal; padding
    header += sum(header_bytes(record, digits) for record in floats) + scaled * SCALED
    header += sum(header_bytes(record, digits) for record in blob_records) + (BLOBS if blob_records else 0)
    tensors = sum(record.stored for record in floats)
    counted = header + tensors + ALIGN
    tokenizer = sum(record.stored for record in blob_records)
    return Fixed(counted + tokenizer, tensors + runtime, counted, parameters)


def _bare_header(program: bytes, provenance: Mapping[str, str]) -> int:
    """The header of a file without tensors."""
    document = Document(schema=SCHEMA, program=msgspec.Raw(program), tensors=(), provenance=dict(provenance))
    return len(document.head().rstrip(b" "))


def resident_bytes(record: TableRecord) -> int:
    """What it takes in memory: as in the file, but with decoded codes."""
    decoded = padded(record.resident_codes) - padded(record.parts()[0].length)
    copies = 4 * record.outliers  # int32 whatever their width in the file
    return record.stored + decoded + copies


def header_bytes(record: Record, digits: int = DIGITS) -> int:
    """What a record adds to the header if every offset has so many digits.

    The header holds the record inside one JSON string, and beside it where its slot lies.
    """
    inside = len(msgspec.json.encode(msgspec.json.encode(hashed(record)).decode())) - len('""') + len(",")
    slot = container.layout({record.name: record.stored})[record.name]
    begin = msgspec.structs.replace(slot, data_offsets=(0, 0))
    beside = len(msgspec.json.encode({record.name: begin})) - len("{}") + len(",")
    return inside + beside + 2 * (digits - len("0"))
