"""One ``.safetensors`` file, memory-mapped: the library checks the header, the bytes are read in place.

(The library's own NumPy reader has no bfloat16 and copies whole tensors.)
"""

import contextlib
import json
import mmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import ModelError, UsageError
from tabulae.files import unreadable
from tabulae.sources._pages import announce, give_back
from tabulae.sources._rows import read_rows, share_of

_STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


class _Tensor(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    start: int  # from the start of the file
    size: int  # bytes


class Shard:
    """The tensors of one file; :class:`ModelError` where its header does not fit the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        header, data_start = _header(path)
        header.pop("__metadata__", None)
        entries = sorted(header.items(), key=lambda entry: entry[1]["data_offsets"])
        self._tensors = {name: _tensor(entry, data_start) for name, entry in entries}
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @property
    def names(self) -> tuple[str, ...]:
        """In file order."""
        return tuple(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        return self._tensors[name].shape

    def dtype(self, name: str) -> str:
        return self._tensors[name].dtype

    def nbytes(self, name: str) -> int:
        return self._tensors[name].size

    def read(self, name: str, rows: slice | None) -> Float32s:
        """See :meth:`tabulae.sources.Source.read`."""
        tensor = self._tensors[name]
        if self._data.closed:
            raise UsageError(str(self.path), "the model must be open", "closed", "open it again")
        if tensor.dtype not in _STORED:
            accepted = f"accepted: {', '.join(_STORED)}"
            raise ModelError(name, "the tensor's type must be a supported float", tensor.dtype, accepted)
        count = int(np.prod(tensor.shape, dtype=np.int64))
        stored = np.frombuffer(self._data, _STORED[tensor.dtype], count, tensor.start).reshape(tensor.shape)
        widen = _from_bfloat16 if tensor.dtype == "BF16" else _to_float32
        announce(self._data, tensor.start, tensor.size, share_of(name, tensor.shape, rows))
        found = read_rows(
            name, tensor.shape, rows, lambda first, last: widen(stored[first:last] if stored.ndim else stored)
        )
        give_back(self._data, tensor.start, tensor.size)
        return found

    def close(self) -> None:
        with contextlib.suppress(BufferError):  # somebody still looks at the map: it goes with the last view
            self._data.close()


def _tensor(entry: dict[str, Any], data_start: int) -> _Tensor:
    begin, end = entry["data_offsets"]
    return _Tensor(entry["dtype"], tuple(entry["shape"]), data_start + begin, end - begin)


def _header(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """The header's entries, and where the data begin; the library has checked sizes, overlaps and gaps."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            pass
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            return json.loads(file.read(length)), 8 + length
    except SafetensorError as error:
        hint = "the file is truncated or damaged: download it again"
        raise ModelError(str(path), "the file must be a whole safetensors file", error, hint) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _to_float32(stored: Float32s) -> Float32s:
    return stored.astype(np.float32)


def _from_bfloat16(stored: npt.NDArray[np.uint16]) -> Float32s:
    """The upper half of a float32."""
    return (stored.astype(np.uint32) << 16).view(np.float32)
