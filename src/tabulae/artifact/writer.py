"""Writing a table model: one tensor after the other, never the whole file in memory.

The header stands before the data but is known only behind them, so its room is reserved first: the size of the
header of the *plan*, where everything that only an encoded tensor decides is at its widest. All bytes go to a file
beside the target, which is renamed when it is whole and on the disk; whatever goes wrong before, the target is as it
was and nothing is left behind. The same calls give the same bytes.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, TypeVar

import msgspec
import numpy as np
import xxhash

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import Widths
from tabulae.artifact import container, layouts
from tabulae.artifact.parts import check_decoded, check_parts, coded, parts_of, settled
from tabulae.artifact.records import (
    SCHEMA,
    BlobRecord,
    Document,
    Entry,
    FloatRecord,
    PlanEntry,
    TableRecord,
    TensorRecord,
    required_features,
)
from tabulae.errors import FileError, TableModelError, UsageError
from tabulae.files import sync_folder, temporary_name

_PIECE: Final = 1 << 22  # codes packed at a time: 4 MB beside a tensor of any size
_Record = TypeVar("_Record", TableRecord, FloatRecord)


class TableModelWriter:
    """Context manager that writes ``path``; leaving it without an error completes the file.

    ``tensors`` are the planned records, in the order in which they will be written; ``program`` is JSON text.

    :raises UsageError: the calls do not follow the plan
    :raises FileError: the file cannot be written (the disk is full)
    :raises TableModelError: a record or a tensor that no reader would accept
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        tensors: Sequence[TensorRecord],
        *,
        program: bytes = b"null",
        plan: Sequence[PlanEntry] = (),
        provenance: Mapping[str, str] | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> None:
        self.path = Path(path)
        self._blobs = dict(blobs or {})
        container.strict_json("program", program)
        self._plan = Document(
            schema=SCHEMA,
            required=required_features(tensors),
            program=msgspec.Raw(program),
            tensors=tuple(tensors),
            blobs=tuple(BlobRecord(name=name, length=len(data)) for name, data in self._blobs.items()),
            plan=tuple(plan),
            provenance=dict(provenance or {}),
            entries=(),
        )
        self._written: list[TensorRecord] = []
        self._entries: list[Entry] = []

    def __enter__(self) -> "TableModelWriter":
        planned = msgspec.structs.replace(self._plan, entries=tuple(self._plan.derived_entries()))
        self._room = len(container.encode_head(planned))
        self._temporary = temporary_name(self.path)
        with _writing(self.path):
            if self.path.is_dir():
                raise IsADirectoryError(0, "a folder")
            self._file: BinaryIO = open(self._temporary, "xb")  # closed in _discard
            self._file.seek(self._room)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._complete()
        finally:
            self._discard()

    def write_matrix(self, name: str, matrix: TableMatrix, widths: Widths) -> None:
        """The next table tensor."""
        plan = self._next(name, TableRecord)
        stream = coded(plan, matrix)
        record = settled(plan, matrix, widths, stream)
        parts = parts_of(record, matrix, widths)
        check_parts(record, parts)
        codes, *others = record.entries()
        self._write(codes, _packed(record, matrix) if stream is None else [stream.data])
        for entry in others:
            self._write(entry, [parts[entry.name.rpartition(".")[2]].reshape(-1).view(np.uint8).data])
        self._written.append(record)

    def write_float(self, name: str, array: Float32s) -> None:
        """The next tensor that stays float32; it must be finite."""
        record = self._next(name, FloatRecord)
        if array.shape != record.shape or array.dtype != np.float32 or not np.isfinite(array).all():
            have = f"{array.dtype} {array.shape}"
            raise UsageError(f"tensor {name}", f"it must be finite float32 of shape {record.shape}", have)
        self._write(record.entries()[0], [np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data])
        self._written.append(record)

    def _next(self, name: str, kind: type[_Record]) -> _Record:
        """The planned record of this tensor, which must be the next one."""
        left = self._plan.tensors[len(self._written) :]
        if not left or left[0].name != name:
            raise UsageError("write", f"the next tensor must be {left[0].name if left else 'none'}", name)
        if not isinstance(left[0], kind):
            raise UsageError("write", f"{name} must be written as planned", kind.__name__)
        return left[0]

    def _write(self, entry: Entry, pieces: Iterable[memoryview | bytes]) -> None:
        """One entry: its pieces, then zeros up to the next multiple of 64."""
        digest = xxhash.xxh3_64()
        with _writing(self.path):
            for piece in chain(pieces, [bytes(container.padded(entry.length) - entry.length)]):
                digest.update(piece)
                self._file.write(piece)
        self._entries.append(msgspec.structs.replace(entry, hash=digest.hexdigest()))

    def _complete(self) -> None:
        """Blobs, seal and header; then the file takes its name."""
        if len(self._written) < len(self._plan.tensors):
            missing = self._plan.tensors[len(self._written)].name
            raise UsageError("write", f"all {len(self._plan.tensors)} planned tensors must be written", f"no {missing}")
        for blob in self._plan.blobs:
            self._write(blob.entries()[0], [self._blobs[blob.name]])
        head = self._head()
        with _writing(self.path):
            self._file.write(container.encode_seal(head))
            self._file.seek(0)
            self._file.write(head)
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._temporary, self.path)
            sync_folder(self.path.parent)

    def _head(self) -> bytes:
        """The bytes before the data; they must fit their room, and the data must be as long as they say."""
        written = tuple(self._written)
        required, entries = required_features(written), tuple(self._entries)
        document = msgspec.structs.replace(self._plan, required=required, tensors=written, entries=entries)
        head = container.encode_head(document, self._room)
        if len(head) > self._room:
            raise TableModelError("header", f"it must fit the {self._room} bytes planned for it", len(head))
        end = self._room + sum(container.padded(entry.length) for entry in self._entries)
        if self._file.tell() != end:
            raise FileError(str(self.path), f"{end} bytes must have been written", self._file.tell())
        check_decoded(written, end + container.ALIGN)
        return head

    def _discard(self) -> None:
        """Close, and remove the temporary file if it is still there."""
        with suppress(OSError):  # a full disk again, when what is left in the buffer is flushed
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _packed(record: TableRecord, matrix: TableMatrix) -> Iterator[memoryview]:
    """The codes in the tensor's layout, panels by panels."""
    layout = layouts.find(record.layout)
    step = max(1, _PIECE // record.cols // layout.PANEL) * layout.PANEL
    for start in range(0, record.rows, step):
        yield layout.pack(matrix.codes[start : start + step], record.bits).data


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Any trouble with the file as a FileError."""
    try:
        yield
    except OSError as error:
        hint = "nothing was left behind; free some room or choose another place"
        raise FileError(str(path), "it must be writable to its end", error.strerror or error, hint) from None
