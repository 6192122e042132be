"""Reading a table model: mapped into memory, every part a view of the file.

Opening verifies the seal, the header, the place and size of every entry, and every number that something else will
trust (indices, scales, proved widths); what it accepts may hold wrong codes, but nothing that leads outside its
arrays. ``verify=True`` also compares every hash and proves the widths anew (``verify.py``). Codes of variable length
are decoded whenever their tensor is asked for.
"""

import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Uint8s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.artifact import container
from tabulae.artifact.names import shown
from tabulae.artifact.parts import MatrixParts, check_coding, check_decoded, check_parts, decoded, to_matrix
from tabulae.artifact.records import DTYPES, FEATURES, NO_HASH, SCHEMA, Document, Entry, FloatRecord, TableRecord
from tabulae.closing import Closing
from tabulae.errors import TableModelError, UsageError
from tabulae.files import check_there, unreadable

_T = TypeVar("_T")


class TableModelFile(Closing):
    """An open table model; a context manager.

    Views stay valid after :meth:`close`: the file is unmapped when the last of them is gone.
    """

    def __init__(self, data: Uint8s, path: Path) -> None:
        head = container.read_head(data.data)
        slots, text = container.parse_header(head)
        self.path = path
        self.document = _document(text)
        _check_entries(self.document)
        container.check_slots(slots, self.document.entries, len(data) - len(head))
        self._data: Uint8s | None = data[len(head) :]
        del slots[container.SEAL]
        self._slots = slots
        self._entries = {entry.name: entry for entry in self.document.entries}
        self._records = {record.name: record for record in self.document.tensors}
        check_decoded(self.document.tensors, len(data))
        self._check_contents()

    def stored(self, name: str) -> Uint8s:
        """The bytes of an entry as they stand in the file, padding included: what its hash covers."""
        slot = _known("entry", name, self._slots)
        if self._data is None:
            raise UsageError("table model", "it must be open", f"{self.path.name}, closed")
        return self._data[slice(*slot.data_offsets)]

    def entry(self, name: str) -> Uint8s:
        """The bytes of an entry without its padding, read-only uint8 [length]."""
        return self.stored(name)[: self._entries[name].length]

    def array(self, name: str) -> npt.NDArray[Any]:
        """An entry in its true type and shape, read-only; bfloat16 as uint16."""
        entry = _known("entry", name, self._entries)
        return self.entry(name).view(DTYPES[entry.dtype]).reshape(entry.shape)

    def matrix_parts(self, name: str, threads: int | None = None) -> MatrixParts:
        """The parts of a table tensor as a kernel reads them: views into the file, coded codes decoded from it.

        ``threads`` decode them; default: all cores. One, where tensors are read in parallel.

        :raises TableModelError: a damaged stream of codes; it names the block
        """
        record = _known("tensor", name, self._records)
        if not isinstance(record, TableRecord):
            raise UsageError("tensor", f"{name} must be a table tensor", "a float tensor", "use float()")
        parts = self._parts(record)
        if record.coding is not None:
            parts["codes"] = decoded(record, parts["codes"], threads)
        return MatrixParts(record, **parts)

    def matrix(self, name: str, threads: int | None = None) -> TableMatrix:
        """A table tensor in logical order, in memory of its own."""
        return to_matrix(self.matrix_parts(name, threads))

    def float(self, name: str) -> Float32s:
        """A float32 tensor, read-only."""
        record = _known("tensor", name, self._records)
        if not isinstance(record, FloatRecord):
            raise UsageError("tensor", f"{name} must be a float tensor", "a table tensor", "use matrix()")
        return self.array(name)

    def blob(self, name: str) -> bytes:
        """The bytes of a blob, copied."""
        _known("blob", name, {blob.name: blob for blob in self.document.blobs})
        return self.entry(name).tobytes()

    def close(self) -> None:
        """Let go of the file; no entry can be asked for afterwards."""
        self._data = None

    def _parts(self, record: TableRecord) -> dict[str, npt.NDArray[Any]]:
        """The arrays of a table tensor by the names of their parts."""
        return {entry.name[len(record.name) + 1 :]: self.array(entry.name) for entry in record.entries()}

    def _check_contents(self) -> None:
        """All that is cheap to see in the data: everything but codes, multipliers and floats is a few bytes a row."""
        for entry in self.document.entries:
            if self.stored(entry.name)[entry.length :].any():
                raise TableModelError(f"entry {entry.name}", "its padding must be zero", "other bytes")
        for record in self.document.tensors:
            if isinstance(record, TableRecord):
                parts = self._parts(record)
                check_parts(record, parts)
                if record.coding is not None:
                    check_coding(record, parts["codes"])


def open_table_model(path: str | os.PathLike[str], *, verify: bool = False) -> TableModelFile:
    """Map the table model at ``path``; with ``verify`` also check every hash and prove the widths anew.

    :raises FileError: the file is missing or cannot be read
    :raises TableModelError: it is malformed, altered, or needs what this version lacks
    """
    data = _map(Path(path))
    if data[:4].tobytes() == b"GGUF":
        raise _another(Path(path), "a GGUF file")
    file = TableModelFile(data, Path(path))
    if verify:
        from tabulae.artifact.verify import verify as run

        run(file).require()
    return file


def _map(path: Path) -> Uint8s:
    """The bytes of a file, mapped read-only."""
    check_there(path)
    if path.is_dir():
        raise _another(path, "a folder")
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:  # nothing to map
                return np.empty(0, np.uint8)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        raise unreadable(path, error) from None


def _another(path: Path, kind: str) -> TableModelError:
    """The error of what may be a trained model."""
    return TableModelError(
        str(path), "it must be a table model", kind, f"build one of it first: tabulae build {path} -o {path.stem}.tab"
    )


class _Preamble(msgspec.Struct):
    """What must be understood of a document before the rest is looked at."""

    schema: int
    required: tuple[str, ...]


def _document(text: str) -> Document:
    """The document, after its version and the features that it asks for."""
    container.strict_json("document", text)
    try:
        preamble = msgspec.json.decode(text, type=_Preamble)
        if preamble.schema != SCHEMA:
            raise TableModelError("document", f"its schema must be {SCHEMA}", preamble.schema, "update tabulae")
        if unknown := sorted(set(preamble.required) - FEATURES):
            raise TableModelError(
                "document", "this version must know what it requires", shown(unknown), "update tabulae"
            )
        return msgspec.json.decode(text, type=Document)
    except msgspec.MsgspecError as error:
        raise TableModelError("document", "it must follow the schema", shown(error)) from None


def _check_entries(document: Document) -> None:
    """The listed entries must be those that the records ask for."""
    listed = [msgspec.structs.replace(entry, hash=NO_HASH) for entry in document.entries]
    expected = list(document.derived_entries())
    for have, want in zip(listed, expected, strict=False):
        if have != want:
            raise TableModelError(f"entry {want.name}", f"it must be {_say(want)}", _say(have))
    if len(listed) != len(expected):
        raise TableModelError("document", f"it must list {len(expected)} entries", len(listed))


def _say(entry: Entry) -> str:
    return shown(f"{entry.name} {entry.dtype} {list(entry.shape)}")


def _known(what: str, name: str, known: Mapping[str, _T]) -> _T:
    if name not in known:
        raise UsageError(what, "the name must be in the file", repr(name), f"there are {len(known)}")
    return known[name]
