"""GGUF files, the format of llama.cpp: one file with weights, metadata and tokenizer, read in place."""

import contextlib
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Uint8s
from tabulae.closing import Closing
from tabulae.errors import ModelError, UsageError
from tabulae.files import unreadable
from tabulae.sources._gguf_header import Header, Tensor
from tabulae.sources._pages import announce, give_back
from tabulae.sources._provenance import describe_files
from tabulae.sources._rows import read_rows, share_of
from tabulae.text.data import TokenizerData

ACCEPTS = "a GGUF file (*.gguf)"


def accepts(path: Path) -> bool:
    """By name or by the first four bytes."""
    if not path.is_file():
        return False
    if path.suffix == ".gguf":
        return True
    with path.open("rb") as file:
        return file.read(4) == b"GGUF"


def open_model(path: Path) -> "GGUFSource":
    return GGUFSource(path)


class GGUFSource(Closing):
    """An opened GGUF file (see :class:`tabulae.sources.Source`): the header is checked, no weight is read yet."""

    kind = "gguf"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = _map(path)
        try:
            self._header = Header(self._data, str(path))
            self._refuse_parts()
        except BaseException:
            self.close()
            raise
        self.names = tuple(self._header.tensors)
        self.family = self._header.get("general.architecture")
        self.metadata: dict[str, Any] = {
            key: self._header[key]
            for key in self._header
            if not (key.startswith("tokenizer.") and self._header.is_array(key))
        }

    def shape(self, name: str) -> tuple[int, ...]:
        """See :meth:`tabulae.sources.Source.shape`."""
        return self._tensor(name).shape

    def dtype(self, name: str) -> str:
        """See :meth:`tabulae.sources.Source.dtype`."""
        return self._tensor(name).type

    def nbytes(self, name: str) -> int:
        """See :meth:`tabulae.sources.Source.nbytes`."""
        return self._tensor(name).size

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        """See :meth:`tabulae.sources.Source.read`; every type that ``gguf.quants`` can dequantise."""
        tensor = self._tensor(name)
        raw = np.frombuffer(self._data, np.uint8, tensor.size, tensor.start)
        lines = raw.reshape(tensor.shape[0] if len(tensor.shape) > 1 else 1, -1)
        whole = len(tensor.shape) == 1
        announce(self._data, tensor.start, tensor.size, share_of(name, tensor.shape, rows))
        found = read_rows(
            name,
            tensor.shape,
            rows,
            lambda first, last: _dequantise(name, lines if whole else lines[first:last], tensor),
        )
        give_back(self._data, tensor.start, tensor.size)
        return found

    def vocabulary(self) -> TokenizerData | None:
        """See :meth:`tabulae.sources.Source.vocabulary`."""
        from tabulae.text.from_gguf import tokenizer_data

        return tokenizer_data(self._header)

    def provenance(self, *, sampled: bool = False) -> dict[str, str]:
        """See :meth:`tabulae.sources.Source.provenance`."""
        keys = {"name": "name", "licence": "license", "organisation": "organization"}
        known = {ours: self.metadata.get(f"general.{theirs}") for ours, theirs in keys.items()}
        return {key: str(value) for key, value in known.items() if value} | describe_files([self.path], sampled=sampled)

    def close(self) -> None:
        """Unmap the file; arrays already read stay valid."""
        with contextlib.suppress(BufferError):  # somebody still looks at the map: it goes with the last view
            self._data.close()

    def _tensor(self, name: str) -> Tensor:
        if self._data.closed:
            raise UsageError(str(self.path), "the model must be open", "closed", "open it again")
        try:
            return self._header.tensors[name]
        except KeyError:
            raise ModelError(str(self.path), "the tensor must be in the file", repr(name)) from None

    def _refuse_parts(self) -> None:
        parts = self._header.get("split.count", 1)
        if parts != 1:
            hint = "join them first: llama-gguf-split --merge"
            raise ModelError(str(self.path), "a GGUF model must be one file", f"a model in {parts} parts", hint)


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise ModelError(str(path), "a GGUF file must not be empty", "0 bytes") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _dequantise(name: str, lines: Uint8s, tensor: Tensor) -> Float32s:
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    try:
        with np.errstate(all="ignore"):  # a damaged scale overflows: read_rows reports where
            values: Float32s = dequantize(lines, GGMLQuantizationType[tensor.type])
    except NotImplementedError:
        accepted = ", ".join(_supported())
        raise ModelError(
            name, "the tensor's type must be one that can be dequantised", tensor.type, f"accepted: {accepted}"
        ) from None
    return values


def _supported() -> list[str]:
    """The types that this version of ``gguf`` turns into floats, found by trying each with one zero block."""
    from gguf.constants import GGML_QUANT_SIZES
    from gguf.quants import dequantize

    found = []
    for kind, (_, size) in GGML_QUANT_SIZES.items():
        with contextlib.suppress(NotImplementedError):
            dequantize(np.zeros((1, size), dtype=np.uint8), kind)
            found.append(kind.name)
    return found
