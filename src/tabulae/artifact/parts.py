"""One table tensor as the file stores it, to and from :class:`~tabulae.arithmetic.matrix.TableMatrix`.

Every part is an array in its true type: ``codes`` packed in the tensor's layout, and the small ones beside them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Int8s, Int32s, Uint8s
from tabulae.arithmetic.bfloat16 import from_bfloat16, to_bfloat16
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.arithmetic.rotation import Rotation
from tabulae.arithmetic.widths import PANEL, Widths
from tabulae.artifact import layouts
from tabulae.artifact.record import ALIGN, DTYPES
from tabulae.artifact.records import TableRecord, TensorRecord
from tabulae.artifact.records.table import (
    DTYPE_OF_BYTES,
    LARGEST_CODEPOINT,
    RANS,
    Coding,
    largest,
    most_blocks,
    widest_group,
)
from tabulae.codes import rans
from tabulae.errors import TableModelError, UsageError

FREE = 1 << 28  # bytes of decoded codes that any file may have: one tensor of zeros is no bomb
MOST_DECODED = 64  # one bit for eight 8-bit codes: less than any format of use has


@dataclass(frozen=True, eq=False)
class MatrixParts:
    """Read-only views into the file, and codes that were decoded from it: what a kernel reads in place."""

    record: TableRecord
    codes: Uint8s  # packed
    codebook: Int8s | npt.NDArray[np.int16]  # [2**bits]
    scales: npt.NDArray[np.uint16]  # bfloat16 bits [rows] or [1]
    widths: Uint8s  # [ceil(rows / 16)]: |A[r]| < 2^widths[r // 16]
    multipliers: Int8s | None = None  # panel16: [panels, groups, 16]
    outlier_offsets: npt.NDArray[np.uint32] | None = None  # [rows + 1]
    outlier_columns: npt.NDArray[np.uint16] | None = None  # [n], ascending within a row
    outlier_values: npt.NDArray[Any] | None = None  # int8, int16 or int32 [n]
    signs: Uint8s | None = None  # one bit a column, the lowest bit first; 1: minus


def coded(plan: TableRecord, matrix: TableMatrix) -> Uint8s | None:
    """The stream of the codes, where the plan asks for one and it is shorter than the layout."""
    if plan.coding is None:
        return None
    if int(matrix.codes.max()) >> matrix.bits:
        raise UsageError(f"tensor {plan.name}", f"every code must fit {matrix.bits} bits", int(matrix.codes.max()))
    stream = rans.encode(matrix.codes)
    return stream if len(stream) < layouts.find(plan.layout).size(matrix.rows, matrix.cols, matrix.bits) else None


def settled(plan: TableRecord, matrix: TableMatrix, widths: Widths, stream: Uint8s | None = None) -> TableRecord:
    """The planned record with what only the encoded tensor decides; a matrix that is not as planned is a UsageError.

    ``stream``: what :func:`coded` gave.
    """
    _check_as_planned(plan, matrix, widths)
    outliers = matrix.outliers if matrix.outliers is not None and len(matrix.outliers.values) else None
    return msgspec.structs.replace(
        plan,
        codepoint_bytes=1 if largest(matrix.codebook) <= LARGEST_CODEPOINT[1] else 2,
        outliers=len(outliers.values) if outliers else 0,
        outlier_bytes=_bytes_for(outliers.values) if outliers else 1,
        chunk=min(widths.chunk, most_blocks(plan.group)),
        accumulator=widths.accumulator,
        bits=matrix.bits,
        coding=None if stream is None else Coding(name=RANS, length=len(stream)),
    )


def parts_of(record: TableRecord, matrix: TableMatrix, widths: Widths) -> dict[str, npt.NDArray[Any]]:
    """All parts but the codes, by name."""
    parts: dict[str, npt.NDArray[Any]] = {
        "codebook": matrix.codebook.astype(DTYPES[DTYPE_OF_BYTES[record.codepoint_bytes]]),
        "scales": to_bfloat16(matrix.scales),
        "widths": widths.panels,
    }
    if matrix.multipliers is not None:
        parts["multipliers"] = layouts.find(record.layout).pack_multipliers(matrix.multipliers)
    if record.outliers and matrix.outliers is not None:
        parts["outlier_offsets"] = matrix.outliers.offsets.astype("<u4")
        parts["outlier_columns"] = matrix.outliers.columns.astype("<u2")
        parts["outlier_values"] = matrix.outliers.values.astype(DTYPES[DTYPE_OF_BYTES[record.outlier_bytes]])
    if matrix.rotation is not None:
        parts["signs"] = np.packbits(matrix.rotation.signs, bitorder="little")
    return parts


def decoded(record: TableRecord, stream: Uint8s, threads: int | None = None) -> Uint8s:
    """The codes of a coded tensor in their layout, as a kernel reads them: aligned, read-only.

    :raises TableModelError: the stream is damaged; it names the tensor and the block
    """
    codes = rans.decode(stream, record.rows * record.cols, threads=threads, what=f"tensor {record.name}")
    packed = layouts.find(record.layout).pack(codes.reshape(record.rows, record.cols), record.bits)
    room = np.empty(len(packed) + ALIGN, np.uint8)
    begin = -room.ctypes.data % ALIGN
    aligned = room[begin : begin + len(packed)]
    aligned[:] = packed
    aligned.flags.writeable = False
    return aligned


def to_matrix(parts: MatrixParts) -> TableMatrix:
    """The tensor in logical order, in memory of its own."""
    record = parts.record
    layout = layouts.find(record.layout)
    return TableMatrix(
        codes=layout.unpack(parts.codes, record.rows, record.cols, record.bits),
        codebook=parts.codebook.astype(np.int16),
        scales=from_bfloat16(parts.scales),
        multipliers=None if parts.multipliers is None else layout.unpack_multipliers(parts.multipliers, record.rows),
        group=record.group,
        outliers=_outliers(parts),
        exponents=record.exponents,
        rotation=_rotation(parts),
    )


def check_decoded(tensors: Iterable[TensorRecord], most: int) -> None:
    """Refuse tensors whose codes, once decoded, take more than ``FREE`` bytes and ``MOST_DECODED`` times their file.

    A symbol that is certain takes no bits: without a limit a megabyte could ask for gigabytes.
    """
    room = max(FREE, MOST_DECODED * most)
    must = f"all decoded codes must take at most {MOST_DECODED} times the file, or {room} bytes"
    check_resident(tensors, room, must, "build it anew in formats of fixed length")


def check_resident(tensors: Iterable[TensorRecord], most: int, must: str, hint: str) -> None:
    """Refuse tensors whose codes take more than ``most`` bytes once decoded, naming the largest."""
    sizes = {t.name: t.resident_codes for t in tensors if isinstance(t, TableRecord) and t.coding is not None}
    if sum(sizes.values()) > most:
        worst = max(sizes, key=sizes.__getitem__)
        raise TableModelError(f"tensor {worst}", must, f"{sum(sizes.values())}, {sizes[worst]} of them here", hint)


def _check_as_planned(plan: TableRecord, matrix: TableMatrix, widths: Widths) -> None:
    have: dict[str, object] = {
        "rows": matrix.rows,
        "cols": matrix.cols,
        "bits": matrix.bits,
        "group": matrix.group if matrix.multipliers is None else widest_group(matrix.group, matrix.cols),
        "exponents": matrix.exponents,
        "rotation": None if matrix.rotation is None else tuple(matrix.rotation.factors),
        "scales": len(matrix.scales),
        "widths": len(widths.panels),
        "multipliers": None if matrix.multipliers is None else matrix.multipliers.shape,
    }
    expected = {name: getattr(plan, name) for name in ("rows", "cols", "bits", "group", "exponents", "rotation")}
    if plan.coding is not None and matrix.bits < plan.bits:
        expected["bits"] = matrix.bits  # planned at its widest
    expected["scales"] = 1 if plan.granularity == "tensor" else plan.rows
    expected["widths"] = -(-plan.rows // PANEL)
    expected["multipliers"] = (plan.rows, plan.groups) if plan.granularity == "group" else None
    for name, value in expected.items():
        if have[name] != value:
            raise UsageError(f"tensor {plan.name}", f"{name} must be as planned, {value}", have[name])
    if not np.array_equal(from_bfloat16(to_bfloat16(matrix.scales)), matrix.scales):
        raise UsageError(f"tensor {plan.name}", "every scale must be a bfloat16 number", "others")


def _bytes_for(values: Int32s) -> int:
    """The smallest width of an integer that holds all values.

    >>> _bytes_for(np.array([-128, 5], np.int32)), _bytes_for(np.array([128], np.int32))
    (1, 2)
    """
    low, high = int(values.min()), int(values.max())
    return next(n for n in (1, 2, 4) if -(1 << (8 * n - 1)) <= low and high < 1 << (8 * n - 1))


def _outliers(parts: MatrixParts) -> Outliers | None:
    if parts.outlier_offsets is None or parts.outlier_columns is None or parts.outlier_values is None:
        return None
    return Outliers(
        parts.outlier_offsets.astype(np.int64),
        parts.outlier_columns.astype(np.uint16),
        parts.outlier_values.astype(np.int32),
    )


def _rotation(parts: MatrixParts) -> Rotation | None:
    if parts.signs is None or parts.record.rotation is None:
        return None
    signs = np.unpackbits(parts.signs, count=parts.record.cols, bitorder="little").astype(bool)
    return Rotation(signs, parts.record.rotation)
