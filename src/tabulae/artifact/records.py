"""What stands in the JSON document of a table model: one record per tensor, the plan, the provenance.

A record says everything about its tensor that is not per row, so it alone gives the entries of the file: their
names, types and shapes. Records check themselves when they are made, by a builder or from a file. In a
file a missing or unknown field is an error; only a plan need not say what is not done.

>>> record = TableRecord.planned("w", rows=20, cols=64, format="normal:4/g32/signmax", bits=4, group=32)
>>> [(entry.name, entry.dtype, entry.shape) for entry in record.entries()]  # doctest: +NORMALIZE_WHITESPACE
[('w.codes', 'U8', (1024,)), ('w.codebook', 'I16', (16,)), ('w.multipliers', 'I8', (2, 2, 16)),
 ('w.scales', 'BF16', (20,)), ('w.widths', 'U8', (2,))]
"""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tabulae.arithmetic.hadamard import paley
from tabulae.arithmetic.rotation import ODD
from tabulae.arithmetic.widths import PANEL
from tabulae.artifact import layouts
from tabulae.artifact.names import check_name, check_unique, shown
from tabulae.errors import TableModelError

SCHEMA: Final = 1
RANS: Final = "rans"  # codes.rans: codes of variable length
FEATURES: Final = frozenset({RANS})  # what a file may require of its reader
NO_HASH: Final = "0" * 16  # an entry that is not written yet

# Spelled as in safetensors; bfloat16 is held as uint16.
DTYPES: Final = {
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "BF16": "<u2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
}
ITEMSIZES: Final = {name: int(dtype[-1]) for name, dtype in DTYPES.items()}
DTYPE_OF_BYTES: Final[dict[int, "Dtype"]] = {1: "I8", 2: "I16", 4: "I32"}

Dtype = Literal["U8", "I8", "U16", "I16", "BF16", "U32", "I32", "F32"]
Granularity = Literal["tensor", "row", "group"]
# Row and column numbers are int32 in every kernel and target; 2^31 * 2^31 codes of 8 bits still fit int64.
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: immutable, strict, every field by its name."""


class Entry(_Record, frozen=True):
    """One run of bytes: its true type and shape. The file pads it with zeros to a multiple of 64 bytes."""

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    hash: Hash  # xxh3-64 of the stored bytes, padding included

    @property
    def length(self) -> int:
        """Bytes without padding."""
        return prod(self.shape) * ITEMSIZES[self.dtype]


def _entry(name: str, dtype: Dtype, shape: tuple[int, ...]) -> Entry:
    return Entry(name=name, dtype=dtype, shape=shape, hash=NO_HASH)


class Coding(_Record, frozen=True):
    """How codes are stored that are decoded into their layout when the file is loaded."""

    name: Literal["rans"]
    length: Annotated[int, Meta(ge=1, le=2**62)]  # bytes of the entry


class TableRecord(_Record, frozen=True, tag_field="kind", tag="table", omit_defaults=True):
    """A 2-D tensor stored as codes."""

    name: str
    rows: Count
    cols: Count
    format: Annotated[str, Meta(min_length=1, max_length=256)]  # the name of its format; nothing here depends on it
    layout: Annotated[str, Meta(max_length=64)]
    bits: Annotated[int, Meta(ge=1, le=8)]
    codepoint_bytes: Literal[1, 2]
    granularity: Granularity
    group: Count  # columns per multiplier; all columns where there are none
    exponents: Annotated[int, Meta(ge=0, le=7)]  # E of the activation codes of its input
    rotation: (
        Annotated[tuple[Count, ...], Meta(max_length=31)] | None
    )  # orders of the transform of its input, largest stride first
    outliers: Annotated[int, Meta(ge=0, le=2**32 - 1)]  # how many; offsets are uint32
    outlier_bytes: Literal[1, 2, 4]
    chunk: Annotated[int, Meta(ge=1, le=2**26)]  # blocks whose shifted sum fits int32
    accumulator: Literal[32, 64]
    coding: Coding | None = None  # None: the entry of the codes is their layout

    def __post_init__(self) -> None:
        check_name(self.name)
        layouts.find(self.layout)
        _check_groups(self)
        _check_chunk(self)
        if self.coding is not None and self.coding.length > self.resident_codes:
            raise self.error(f"its coded codes must not exceed {self.resident_codes} bytes", self.coding.length)
        if self.outliers and self.cols > 65536:
            raise self.error("a tensor with outliers must have at most 65536 columns (they are uint16)", self.cols)
        if self.rotation is not None:
            _check_rotation(self, self.rotation)

    @classmethod
    def planned(
        cls,
        name: str,
        *,
        rows: int,
        cols: int,
        format: str,
        bits: int,
        group: int | None = None,
        tensor_scale: bool = False,
        layout: str = "panel16",
        exponents: int = 4,
        rotation: tuple[int, ...] | None = None,
        outliers: int = 0,
        entropy: bool = False,
    ) -> "TableRecord":
        """The record before the tensor is encoded: what only its codes decide is at its widest.

        ``group`` None: no multipliers, one scale per row, or per tensor with ``tensor_scale``.
        A group that is wider than the tensor is stored as one of its width in whole blocks.
        ``entropy``: the codes may be stored with variable length, and ``bits`` is the most that one may have.
        """
        stored_group = cols if group is None else widest_group(group, cols)
        return cls(
            name=name,
            rows=rows,
            cols=cols,
            format=format,
            layout=layout,
            bits=bits,
            codepoint_bytes=2,
            granularity="group" if group is not None else "tensor" if tensor_scale else "row",
            group=stored_group,
            exponents=exponents,
            rotation=rotation,
            outliers=outliers,
            outlier_bytes=4,
            chunk=most_blocks(stored_group),
            accumulator=64,
            coding=Coding(name=RANS, length=layouts.find(layout).size(rows, cols, bits)) if entropy else None,
        )

    @property
    def groups(self) -> int:
        """Multipliers per row."""
        return -(-self.cols // self.group)

    @property
    def resident_codes(self) -> int:
        """Bytes of the codes in memory, in their layout."""
        return layouts.find(self.layout).size(self.rows, self.cols, self.bits)

    def entries(self) -> tuple[Entry, ...]:
        """Its entries, in the order of the file: a function of this record alone."""
        return tuple(_entry(f"{self.name}.{part}", dtype, shape) for part, dtype, shape in self._parts())

    def error(self, must: str, got: object) -> TableModelError:
        """An error that names this tensor."""
        return TableModelError(f"tensor {self.name}", must, got)

    def _parts(self) -> Iterator[tuple[str, Dtype, tuple[int, ...]]]:
        layout = layouts.find(self.layout)
        yield "codes", "U8", (self.coding.length if self.coding else self.resident_codes,)
        yield "codebook", DTYPE_OF_BYTES[self.codepoint_bytes], (2**self.bits,)
        if self.granularity == "group":
            yield "multipliers", "I8", layout.multipliers_shape(self.rows, self.groups)
        yield "scales", "BF16", (1 if self.granularity == "tensor" else self.rows,)
        yield "widths", "U8", (-(-self.rows // PANEL),)
        if self.outliers:
            yield "outlier_offsets", "U32", (self.rows + 1,)
            yield "outlier_columns", "U16", (self.outliers,)
            yield "outlier_values", DTYPE_OF_BYTES[self.outlier_bytes], (self.outliers,)
        if self.rotation is not None:
            yield "signs", "U8", (-(-self.cols // 8),)


class FloatRecord(_Record, frozen=True, tag_field="kind", tag="float"):
    """A tensor stored as float32."""

    name: str
    shape: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=8)]

    def __post_init__(self) -> None:
        check_name(self.name)

    def entries(self) -> tuple[Entry, ...]:
        """Its one entry."""
        return (_entry(self.name, "F32", self.shape),)


class BlobRecord(_Record, frozen=True):
    """Bytes that are no tensor: ``tabulae.tokenizer``."""

    name: str
    length: Annotated[int, Meta(ge=0, le=2**40)]

    def __post_init__(self) -> None:
        check_name(self.name, blob=True)

    def entries(self) -> tuple[Entry, ...]:
        """Its one entry."""
        return (_entry(self.name, "U8", (self.length,)),)


TensorRecord = TableRecord | FloatRecord


class PlanEntry(_Record, frozen=True):
    """What the plan says of one table tensor: its format and what is done to the tensor first."""

    name: str
    format: str
    rotate: bool = False
    column_scale: bool = False
    feedback: bool = False


class Document(_Record, frozen=True):
    """The JSON document of a table model."""

    schema: Literal[1]
    required: tuple[str, ...]  # features without which the file cannot be understood, as `required_features`
    program: msgspec.Raw  # any JSON value; this package does not look into it
    tensors: tuple[TensorRecord, ...]  # in the order of the file
    blobs: tuple[BlobRecord, ...]  # behind the tensors
    plan: tuple[PlanEntry, ...]
    provenance: dict[str, str]
    entries: tuple[Entry, ...]  # in the order of the file, the seal not among them

    def __post_init__(self) -> None:
        check_unique("entry", [entry.name for entry in self.derived_entries()])
        if self.required != required_features(self.tensors):
            must = f"it must require {list(required_features(self.tensors))}, as its tensors do"
            raise TableModelError("document", must, shown(list(self.required)))
        formats = {tensor.name: tensor.format for tensor in self.tensors if isinstance(tensor, TableRecord)}
        check_unique("plan entry", [entry.name for entry in self.plan])
        for entry in self.plan:
            if formats.get(entry.name) != entry.format:
                have = shown(formats.get(entry.name, "no such table tensor"))
                must = f"the tensor must be stored as {shown(entry.format)}"
                raise TableModelError(f"plan of {shown(entry.name)}", must, have)

    def derived_entries(self) -> Iterator[Entry]:
        """All entries that the records ask for, in the order of the file."""
        for record in (*self.tensors, *self.blobs):
            yield from record.entries()


def required_features(tensors: Iterable[TensorRecord]) -> tuple[str, ...]:
    """What the records ask of a reader beyond the first version of the file."""
    coded = any(isinstance(tensor, TableRecord) and tensor.coding is not None for tensor in tensors)
    return (RANS,) if coded else ()


def entry_sizes(record: TensorRecord | BlobRecord) -> dict[str, int]:
    """Bytes of every entry of a record, without padding: a pure function of the plan.

    >>> entry_sizes(FloatRecord(name="norm.weight", shape=(576,)))
    {'norm.weight': 2304}
    """
    return {entry.name: entry.length for entry in record.entries()}


def widest_group(group: int, cols: int) -> int:
    """The group, or the whole blocks of a row if it is wider: so memory for whole groups is bounded by the file.

    >>> widest_group(64, 576), widest_group(128, 40)
    (64, 64)
    """
    return min(group, -(-cols // 32) * 32)


def most_blocks(group: int) -> int:
    """The power of two that covers the blocks of a group: the largest chunk.

    >>> most_blocks(64), most_blocks(65)
    (2, 4)
    """
    return 1 << (-(-group // 32) - 1).bit_length()


def _check_groups(record: TableRecord) -> None:
    if record.granularity != "group" and record.group != record.cols:
        raise record.error(f"without multipliers the group must be all {record.cols} columns", record.group)
    if record.granularity == "group" and (record.group % 32 or record.group != widest_group(record.group, record.cols)):
        must = "a scale group must be a multiple of 32 columns and at most the blocks of a row"
        raise record.error(must, record.group)


def _check_chunk(record: TableRecord) -> None:
    most = most_blocks(record.group)
    if record.chunk & (record.chunk - 1) or record.chunk > most:
        raise record.error(f"the chunk must be a power of two up to {most} blocks", record.chunk)


def _check_rotation(record: TableRecord, orders: tuple[int, ...]) -> None:
    if prod(orders) != record.cols:
        raise record.error(f"the orders of the rotation must multiply to {record.cols} columns", orders)
    for n in orders:
        power_of_two = n > 1 and n & (n - 1) == 0
        if not power_of_two and n not in range(3, ODD + 1, 2) and paley(n) is None:
            raise record.error(f"an order of a rotation must be 2^k, a Paley order, or odd up to {ODD}", n)
