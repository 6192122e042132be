"""A table model that is open: every part a view of the file.

Opening verifies the seal, the header, the place and size of every slot, and every number that something else will
trust (indices, scales, proved widths); what it accepts may hold wrong codes, but nothing that leads outside its
arrays. ``verify.py`` also compares every hash and proves the widths anew. Codes of variable length are decoded whenever
their tensor is asked for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Uint8s
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.artifact import container
from tabulae.artifact.document import parse_document
from tabulae.artifact.parts import MatrixParts, check_decoded, decoded, to_matrix
from tabulae.artifact.records import FloatRecord, TableRecord
from tabulae.closing import Closing
from tabulae.errors import UsageError

_T = TypeVar("_T")


class TableModelFile(Closing):
    """An open table model; a context manager.

    Views stay valid after :meth:`close`: the file is unmapped when the last of them is gone.
    """

    def __init__(self, data: Uint8s, path: Path) -> None:
        head = container.read_head(data.data)
        slots, text = container.parse_header(head)
        self.path, self.head = path, len(head)  # bytes before the data
        self.document = parse_document(text)
        container.check_slots(slots, self.document.slots(), len(data) - len(head))
        self._data: Uint8s | None = data[len(head) :]
        self._slots = slots
        self._records = {record.name: record for record in self.document.records()}
        check_decoded(self.document.tensors, len(data))
        for record in self._records.values():
            record.check_padding(self.stored(record.name))
            record.check(self.arrays(record.name))

    def stored(self, name: str) -> Uint8s:
        """The slot of a tensor or blob as it stands in the file, padding included: what its hash covers."""
        _known("tensor", name, self._records)
        if self._data is None:
            raise UsageError("table model", "it must be open", f"{self.path.name}, closed")
        return self._data[slice(*self._slots[name].data_offsets)]

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The parts of a tensor or blob by name, in their true types and shapes, read-only; bfloat16 as uint16."""
        return _known("tensor", name, self._records).arrays(self.stored(name))

    def matrix_parts(self, name: str, threads: int | None = None) -> MatrixParts:
        """The parts of a table tensor as a kernel reads them: views into the file, coded codes decoded from it.

        ``threads`` decode them; default: all cores. One, where tensors are read in parallel.

        :raises TableModelError: a damaged stream of codes; it names the block
        """
        record = _known("tensor", name, self._records)
        if not isinstance(record, TableRecord):
            raise UsageError("tensor", f"{name} must be a table tensor", record.format, "use float()")
        arrays = self.arrays(name)
        if record.coding is not None:
            arrays["codes"] = decoded(record, arrays["codes"], threads)
        return MatrixParts(record, **arrays)

    def matrix(self, name: str, threads: int | None = None) -> TableMatrix:
        """A table tensor in logical order, in memory of its own."""
        return to_matrix(self.matrix_parts(name, threads))

    def float(self, name: str) -> Float32s:
        """A float32 tensor, read-only."""
        record = _known("tensor", name, self._records)
        if not isinstance(record, FloatRecord):
            raise UsageError("tensor", f"{name} must be a float tensor", record.format, "use matrix()")
        return self.arrays(name)["values"]

    def blob(self, name: str) -> bytes:
        """The bytes of a blob, copied."""
        _known("blob", name, {blob.name: blob for blob in self.document.blobs})
        return self.arrays(name)["bytes"].tobytes()

    def close(self) -> None:
        """Let go of the file; nothing can be asked for afterwards."""
        self._data = None


def _known(what: str, name: str, known: Mapping[str, _T]) -> _T:
    if name not in known:
        raise UsageError(what, "the name must be in the file", repr(name), f"there are {len(known)}")
    return known[name]
