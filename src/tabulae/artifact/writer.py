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
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
import numpy as np
import xxhash

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import Widths
from tabulae.artifact import container, layouts
from tabulae.artifact.document import SCHEMA, BlobRecord, Document, hashed, required_features
from tabulae.artifact.parts import check_decoded, coded, parts_of, settled
from tabulae.artifact.record import ALIGN, DTYPES, Arrays, Record, padded
from tabulae.artifact.records import TableRecord, TensorRecord
from tabulae.errors import FileError, TableModelError, UsageError
from tabulae.files import sync_folder, temporary_name

_PIECE: Final = 1 << 22  # codes packed at a time: 4 MB beside a tensor of any size
_Record = TypeVar("_Record", bound=Record)
_Pieces = Iterable[memoryview | bytes]


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
        provenance: Mapping[str, str] | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> None:
        self.path = Path(path)
        self._blobs = dict(blobs or {})
        container.strict_json("program", program)
        blob_records = (BlobRecord(name=name, bytes=len(data)) for name, data in self._blobs.items())
        self._plan = Document(
            schema=SCHEMA,
            required=required_features(tensors),
            program=msgspec.Raw(program),
            tensors=tuple(map(hashed, tensors)),
            blobs=tuple(map(hashed, blob_records)),
            provenance=dict(provenance or {}),
        )
        self._written: list[TensorRecord] = []

    def __enter__(self) -> "TableModelWriter":
        self._room = len(self._plan.head())
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
        plan = self._next(name)
        if not isinstance(plan, TableRecord):
            raise UsageError("write", f"{name} must be written as planned, {plan.format}", "a table tensor")
        stream = coded(plan, matrix)
        record = settled(plan, matrix, widths, stream)
        arrays = parts_of(record, matrix, widths)
        record.check(arrays)
        codes = _packed(record, matrix) if stream is None else [stream.data]
        self._written.append(self._write(record, {"codes": codes, **_pieces(arrays)}))

    def write_float(self, name: str, array: Float32s) -> None:
        """The next tensor that stays float32; it must be finite."""
        self.write(name, {"values": array})

    def write(self, name: str, arrays: Arrays) -> None:
        """The next tensor, part by part, for which nothing needs to be settled."""
        record = self._next(name)
        _check_arrays(record, arrays)
        record.check(arrays)
        record.verify(arrays)
        self._written.append(self._write(record, _pieces(arrays)))

    def _next(self, name: str) -> TensorRecord:
        """The planned record of this tensor, which must be the next one."""
        left = self._plan.tensors[len(self._written) :]
        if not left or left[0].name != name:
            raise UsageError("write", f"the next tensor must be {left[0].name if left else 'none'}", name)
        return left[0]

    def _write(self, record: _Record, pieces: Mapping[str, _Pieces]) -> _Record:
        """One slot: every part its pieces, then zeros up to the next multiple of 64. The record with its hash."""
        digest = xxhash.xxh3_64()
        with _writing(self.path):
            for part in record.parts():
                for piece in chain(pieces[part.name], [bytes(padded(part.length) - part.length)]):
                    digest.update(piece)
                    self._file.write(piece)
        return hashed(record, digest.hexdigest())

    def _complete(self) -> None:
        """Blobs, seal and header; then the file takes its name."""
        if len(self._written) < len(self._plan.tensors):
            missing = self._plan.tensors[len(self._written)].name
            raise UsageError("write", f"all {len(self._plan.tensors)} planned tensors must be written", f"no {missing}")
        blobs = tuple(self._write(blob, {"bytes": [self._blobs[blob.name]]}) for blob in self._plan.blobs)
        head = self._head(blobs)
        with _writing(self.path):
            self._file.write(container.encode_seal(head))
            self._file.seek(0)
            self._file.write(head)
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._temporary, self.path)
            sync_folder(self.path.parent)

    def _head(self, blobs: tuple[BlobRecord, ...]) -> bytes:
        """The bytes before the data; they must fit their room, and the data must be as long as they say."""
        required, tensors = required_features(self._written), tuple(self._written)
        document = msgspec.structs.replace(self._plan, required=required, tensors=tensors, blobs=blobs)
        head = document.head(self._room)
        if len(head) > self._room:
            raise TableModelError("header", f"it must fit the {self._room} bytes planned for it", len(head))
        end = self._room + sum(document.slots().values())
        if self._file.tell() != end:
            raise FileError(str(self.path), f"{end} bytes must have been written", self._file.tell())
        check_decoded(document.tensors, end + ALIGN)
        return head

    def _discard(self) -> None:
        """Close, and remove the temporary file if it is still there."""
        with suppress(OSError):  # a full disk again, when what is left in the buffer is flushed
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _check_arrays(record: Record, arrays: Arrays) -> None:
    """They must be the parts of the record."""
    wanted = {part.name: (np.dtype(DTYPES[part.dtype]), part.shape) for part in record.parts()}
    have = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    if have != wanted:
        raise UsageError(f"tensor {record.name}", f"its parts must be {_say(wanted)}", _say(have))


def _say(parts: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]) -> str:
    return ", ".join(f"{name} {dtype} {shape}" for name, (dtype, shape) in parts.items())


def _pieces(arrays: Arrays) -> dict[str, _Pieces]:
    """The bytes of every array, in one piece."""
    return {name: [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data] for name, array in arrays.items()}


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
