"""Full verification: every hash, and the widths of every table tensor proved anew from its codes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import xxhash

from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import prove
from tabulae.artifact import layouts
from tabulae.artifact.file import TableModelFile
from tabulae.artifact.parts import MatrixParts, to_matrix
from tabulae.artifact.record import Record
from tabulae.artifact.records import TableRecord
from tabulae.errors import TableModelError, TabulaeError
from tabulae.progress import Progress, silent


@dataclass(frozen=True)
class Row:
    """What was found about one tensor or blob."""

    name: str
    format: str  # of a table tensor; else "float32" or "bytes"
    bytes: int  # in the file, padding included
    width: int | None  # bits of the widest row total, for a table tensor
    accumulator: int | None
    problem: TableModelError | None


@dataclass(frozen=True)
class Report:
    """One row per tensor and blob, in the order of the file."""

    rows: tuple[Row, ...]

    @property
    def problems(self) -> tuple[TableModelError, ...]:
        """All that is wrong."""
        return tuple(row.problem for row in self.rows if row.problem is not None)

    def require(self) -> None:
        """Raise the first problem."""
        for problem in self.problems:
            raise problem


def verify(
    file: TableModelFile, progress: Progress = silent, tell: Callable[[TableModelError], None] | None = None
) -> Report:
    """Verify everything in an open table model; nothing is raised for what is wrong with it.

    All hashes come first: they take little time and say what is damaged. ``tell`` hears of a problem when it is found.
    """
    records = file.document.records()
    problems: dict[str, TableModelError] = {}
    steps = {"hash": partial(_check_hash, file), "widths": partial(_check_numbers, file)}
    for what, step in steps.items():
        for done, record in enumerate(records):
            progress(f"{what} of {record.name}", done, len(records))
            try:
                if record.name not in problems:
                    step(record)
            except TableModelError as error:
                problems[record.name] = error
                if tell is not None:
                    tell(error)
    return Report(tuple(_row(file, record, problems.get(record.name)) for record in records))


def _row(file: TableModelFile, record: Record, problem: TableModelError | None) -> Row:
    if not isinstance(record, TableRecord):
        return Row(record.name, record.format, record.stored, None, None, problem)
    width = int(file.arrays(record.name)["widths"].max())
    return Row(record.name, record.format, record.stored, width, record.accumulator, problem)


def _check_numbers(file: TableModelFile, record: Record) -> None:
    record.verify(file.arrays(record.name))
    if isinstance(record, TableRecord):
        _check_proofs(file.matrix_parts(record.name))


def _check_hash(file: TableModelFile, record: Record) -> None:
    have = xxhash.xxh3_64_hexdigest(file.stored(record.name).data)
    if have != record.hash:
        raise record.error(f"its hash must be {record.hash}", have, "the file was altered: get it anew")


def _check_proofs(parts: MatrixParts) -> None:
    matrix = to_matrix(parts)
    _check_fill(parts, matrix)
    _check_widths(parts, matrix)


def _check_fill(parts: MatrixParts, matrix: TableMatrix) -> None:
    """Packing the codes again must give the same bytes; only what fills up units can differ."""
    packed = layouts.find(parts.record.layout).pack(matrix.codes, parts.record.bits)
    if not np.array_equal(packed, parts.codes):
        raise parts.record.error("codes that fill up units must be 0", "others")


def _check_widths(parts: MatrixParts, matrix: TableMatrix) -> None:
    """The stored proof must be what the codes give."""
    record = parts.record
    try:
        proved = prove(matrix)
    except TabulaeError as error:
        raise record.error("its row totals must have a provable width", error) from None
    if (record.chunk, record.accumulator) != (proved.chunk, proved.accumulator):
        must = f"chunk and accumulator must be {proved.chunk} and {proved.accumulator}"
        raise record.error(must, f"{record.chunk} and {record.accumulator}")
    if not np.array_equal(parts.widths, proved.panels):
        panel = int(np.flatnonzero(parts.widths != proved.panels)[0])
        raise record.error(f"the width of panel {panel} must be {proved.panels[panel]} bits", parts.widths[panel])
