"""A tensor that is stored as codes: everything about it that is not per row, and the parts that follow from that.

>>> record = TableRecord.planned("w", rows=20, cols=64, format="normal:4/g32/signmax", bits=4, group=32)
>>> [(part.name, part.dtype, part.shape) for part in record.parts()]  # doctest: +NORMALIZE_WHITESPACE
[('codes', 'U8', (1024,)), ('codebook', 'I16', (16,)), ('multipliers', 'I8', (2, 2, 16)),
 ('scales', 'BF16', (20,)), ('widths', 'U8', (2,))]
"""

from collections.abc import Iterator
from math import prod
from sys import intern
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from tabulae.arithmetic.arrays import Bools, Int8s
from tabulae.arithmetic.hadamard import paley
from tabulae.arithmetic.rotation import ODD
from tabulae.arithmetic.widths import PANEL
from tabulae.artifact import layouts
from tabulae.artifact.record import Arrays, Count, Dtype, Part, Record, Strict
from tabulae.codes import rans

RANS: Final = "rans"  # codes.rans: codes of variable length
LARGEST_CODEPOINT: Final = {1: 127, 2: 8191}
DTYPE_OF_BYTES: Final[dict[int, Dtype]] = {1: "I8", 2: "I16", 4: "I32"}
_FINITE_BFLOAT16: Final = 0x7F80  # from here on: infinities, NaN, and everything with the sign bit
_LARGEST_OUTLIER: Final = 2**24 - 1  # with |m * c| < 2^20, what an outlier is added to, far from the end of int32

Granularity = Literal["tensor", "row", "group"]


class Coding(Strict, frozen=True, kw_only=True):
    """How codes are stored that are decoded into their layout when the file is loaded."""

    name: Literal["rans"]
    length: Annotated[int, Meta(ge=1, le=2**62)]  # bytes of the part


class TableRecord(Record, frozen=True, kw_only=True, tag_field="kind", tag="table"):
    """A 2-D tensor stored as codes; ``docs/format.md`` has the rules."""

    rows: Count
    cols: Count
    format: Annotated[str, Meta(min_length=1, max_length=256)]  # the name of its format; nothing here depends on it
    layout: Annotated[str, Meta(max_length=64)] = "panel16"
    bits: Annotated[int, Meta(ge=1, le=8)]
    codepoint_bytes: Literal[1, 2] = 1
    granularity: Granularity = "group"
    group: Count  # columns per multiplier; all columns where there are none
    exponents: Annotated[int, Meta(ge=0, le=7)] = 4  # E of the activation codes of its input
    # Orders of the transform of its input, largest stride first.
    rotation: Annotated[tuple[Count, ...], Meta(max_length=31)] | None = None
    outliers: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0  # how many; offsets are uint32
    outlier_bytes: Literal[1, 2, 4] = 1
    chunk: Annotated[int, Meta(ge=1, le=2**26)]  # blocks whose shifted sum fits int32
    accumulator: Literal[32, 64] = 32
    coding: Coding | None = None  # None: the codes are stored in their layout
    column_scale: bool = False  # columns were scaled before it was encoded, and the program undoes it
    feedback: bool = False  # codes were chosen so that errors of earlier columns are made good by later ones

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "layout", intern(self.layout))  # msgspec leaves out what *is* the default
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
            outlier_bytes=4 if outliers else 1,
            chunk=most_blocks(stored_group),
            accumulator=64,
            coding=Coding(name=RANS, length=layouts.find(layout).size(rows, cols, bits)) if entropy else None,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.rows, self.cols

    @property
    def groups(self) -> int:
        """Multipliers per row."""
        return -(-self.cols // self.group)

    @property
    def resident_codes(self) -> int:
        """Bytes of the codes in memory, in their layout."""
        return layouts.find(self.layout).size(self.rows, self.cols, self.bits)

    def parts(self) -> tuple[Part, ...]:
        """Codes, codebook, scales and proofs."""
        return tuple(self._parts())

    def features(self) -> frozenset[str]:
        """A decoder, if codes have variable length."""
        return frozenset() if self.coding is None else frozenset({self.coding.name})

    def check(self, arrays: Arrays) -> None:
        """Ranges, and every index inside its array; of coded codes all but the blocks themselves."""
        _check_range(self, "codebook", arrays["codebook"], LARGEST_CODEPOINT[self.codepoint_bytes])
        if int(arrays["scales"].max()) >= _FINITE_BFLOAT16:
            raise self.error("every scale must be finite and not negative", hex(int(arrays["scales"].max())))
        most = 31 if self.accumulator == 32 else 53
        if int(arrays["widths"].max()) > most:
            raise self.error(f"every row must fit {most} bits", int(arrays["widths"].max()))
        if "multipliers" in arrays:
            _check_multipliers(self, arrays["multipliers"])
        if "outlier_offsets" in arrays:
            _check_outliers(self, arrays)
        if "signs" in arrays and self.cols % 8 and int(arrays["signs"][-1]) >> self.cols % 8:
            raise self.error("the unused bits of the signs must be 0", int(arrays["signs"][-1]))
        if self.coding is not None and "codes" in arrays:
            rans.check(arrays["codes"], self.rows * self.cols, 2**self.bits - 1, f"tensor {self.name}")

    def _parts(self) -> Iterator[Part]:
        layout = layouts.find(self.layout)
        yield Part("codes", "U8", (self.coding.length if self.coding else self.resident_codes,))
        yield Part("codebook", DTYPE_OF_BYTES[self.codepoint_bytes], (2**self.bits,))
        if self.granularity == "group":
            yield Part("multipliers", "I8", layout.multipliers_shape(self.rows, self.groups))
        yield Part("scales", "BF16", (1 if self.granularity == "tensor" else self.rows,))
        yield Part("widths", "U8", (-(-self.rows // PANEL),))
        if self.outliers:
            yield Part("outlier_offsets", "U32", (self.rows + 1,))
            yield Part("outlier_columns", "U16", (self.outliers,))
            yield Part("outlier_values", DTYPE_OF_BYTES[self.outlier_bytes], (self.outliers,))
        if self.rotation is not None:
            yield Part("signs", "U8", (-(-self.cols // 8),))


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


def largest(values: npt.NDArray[Any]) -> int:
    """The largest magnitude; -32768 has none in its own type."""
    return max(int(values.max()), -int(values.min()))


def _check_range(record: TableRecord, what: str, values: npt.NDArray[Any], most: int) -> None:
    if largest(values) > most:
        raise record.error(f"the {what} must lie in -{most}..{most}", largest(values))


def _check_multipliers(record: TableRecord, multipliers: Int8s) -> None:
    if record.rows % multipliers.shape[-1] and multipliers[-1, :, record.rows % multipliers.shape[-1] :].any():
        raise record.error("the multipliers of missing rows must be 0", "others")


def _check_outliers(record: TableRecord, arrays: Arrays) -> None:
    offsets, columns = arrays["outlier_offsets"], arrays["outlier_columns"]
    if offsets[0] != 0 or offsets[-1] != record.outliers or (offsets[1:] < offsets[:-1]).any():
        raise record.error(f"outlier offsets must rise from 0 to {record.outliers}", "others")
    if int(columns.max()) >= record.cols:
        raise record.error(f"outlier columns must be below {record.cols}", int(columns.max()))
    ascending: Bools = columns[1:] > columns[:-1]
    starts = offsets[(offsets > 0) & (offsets < record.outliers)]  # where a row begins, the column may fall back
    ascending[starts.astype(np.int64) - 1] = True
    if not ascending.all():
        raise record.error("outlier columns of a row must ascend", "others")
    _check_range(record, "outliers", arrays["outlier_values"], _LARGEST_OUTLIER)
