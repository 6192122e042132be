"""The header of a GGUF file: walked once, checked against the file's size, arrays decoded only when asked for.

``gguf.GGUFReader`` makes several NumPy views per vocabulary entry (1.8 s for the 98,052 strings of SmolLM2) and
believes every count it reads; this walk takes 0.06 s and refuses what does not fit. Types and block sizes come
from ``gguf.constants``. Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import math
import mmap
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from tabulae.errors import ModelError

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_COUNT, _TYPE = "<Q", "<I"  # how the format writes all its own counts and types
_MOST_STRINGS = 1 << 24  # the largest vocabularies have 2^18; a file of zero bytes must not be walked for minutes
_LEAST_FIELD, _LEAST_TENSOR = 13, 24  # bytes that the shortest entry takes
_MOST_AXES = 4


class Tensor(NamedTuple):
    """Where one tensor lies in the file."""

    shape: tuple[int, ...]  # NumPy order
    type: str  # "Q4_1"
    start: int  # from the start of the file
    size: int  # bytes


class _Array(NamedTuple):
    type: int
    length: int
    start: int


class Header(Mapping[str, Any]):
    """Key-value fields as a mapping (arrays decode at each access) and ``tensors``, name -> :class:`Tensor`."""

    def __init__(self, data: mmap.mmap, what: str) -> None:
        self._data, self._what, self._at = data, what, 4
        tensor_count, field_count = self._counts()
        self._fields: dict[str, Any] = {}
        for _ in range(field_count):
            key = self._string("a field's name")
            if key in self._fields:
                self._refuse("fields must have distinct names", repr(key))
            self._fields[key] = self._value(self._number(_TYPE), key)
        self.tensors = self._tensors(tensor_count)

    def __getitem__(self, key: str) -> Any:
        value = self._fields[key]
        return self._decode(value, key) if isinstance(value, _Array) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def is_array(self, key: str) -> bool:
        """Whether the field is an array, without decoding it."""
        return isinstance(self._fields[key], _Array)

    def _counts(self) -> tuple[int, int]:
        """Check magic and version; both counts must fit what is left of the file."""
        if self._data[:4] != b"GGUF":
            self._refuse("a GGUF file must begin with the bytes 'GGUF'", repr(self._data[:4]))
        version = self._number(_TYPE)
        if version not in (2, 3):
            self._refuse("the GGUF version must be 2 or 3, little-endian", str(version), "convert the model again")
        tensors, fields = self._number(_COUNT), self._number(_COUNT)
        if tensors * _LEAST_TENSOR + fields * _LEAST_FIELD > len(self._data) - self._at:
            self._lies(f"a count of {tensors:,} tensors and {fields:,} fields")
        return tensors, fields

    def _value(self, kind: int, key: str) -> Any:
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _STRING:
            return self._string(key)
        if kind != _ARRAY:
            self._refuse(f"the type of field {key!r} must be one of 0..12", str(kind))
        return self._array(key)

    def _array(self, key: str) -> _Array:
        """Step over an array: its strings have to be walked, numbers are skipped in one step."""
        kind, count = self._number(_TYPE), self._number(_COUNT)
        array = _Array(kind, count, self._at)
        if kind in _SCALARS:
            self._step(count * struct.calcsize(_SCALARS[kind]), key)
        elif kind == _STRING and count <= _MOST_STRINGS:
            for _ in range(count):
                self._step(self._number(_COUNT), key)
        else:
            self._refuse(
                f"the array {key!r} must hold numbers or at most {_MOST_STRINGS:,} strings", f"{count:,} of type {kind}"
            )
        return array

    def _decode(self, array: _Array, key: str) -> list[Any]:
        self._at = array.start
        if array.type == _STRING:
            return [self._string(key) for _ in range(array.length)]
        numbers: list[Any] = np.frombuffer(self._data, _SCALARS[array.type], array.length, array.start).tolist()
        return numbers

    def _tensors(self, count: int) -> dict[str, Tensor]:
        entries = [self._entry() for _ in range(count)]
        alignment = self._fields.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            self._refuse("general.alignment must be a power of two", str(alignment))
        base = -(-self._at // alignment) * alignment
        tensors: dict[str, Tensor] = {}
        for name, tensor in entries:
            if name in tensors:
                self._refuse("tensors must have distinct names", repr(name))
            tensors[name] = tensor._replace(start=tensor.start + base)
            if base + tensor.start + tensor.size > len(self._data):
                self._lies(f"tensor {name!r} at bytes {base + tensor.start:,} to {base + tensor.start + tensor.size:,}")
        return tensors

    def _entry(self) -> tuple[str, Tensor]:
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        name = self._string("a tensor's name")
        axes = self._number(_TYPE)
        if not 1 <= axes <= _MOST_AXES:
            self._refuse(f"tensor {name!r} must have 1 to {_MOST_AXES} axes", f"{axes:,}")
        shape = tuple(int(self._number(_COUNT)) for _ in range(axes))[::-1]
        kind, start = self._number(_TYPE), self._number(_COUNT)
        try:
            kind = GGMLQuantizationType(kind)
        except ValueError:
            known = ", ".join(sorted(known.name for known in GGML_QUANT_SIZES))
            self._refuse(f"the type of tensor {name!r} must be known", f"type {kind}", f"accepted: {known}")
        block, size = GGML_QUANT_SIZES[kind]
        if shape[-1] % block or 0 in shape:
            self._refuse(
                f"tensor {name!r} of type {kind.name} must have whole blocks of {block}", f"shape {list(shape)}"
            )
        return name, Tensor(shape, kind.name, start, math.prod(shape) // block * size)

    def _number(self, code: str) -> Any:
        return struct.unpack_from(code, self._data, self._step(struct.calcsize(code), "a number"))[0]

    def _string(self, what: str) -> str:
        length = self._number(_COUNT)
        start = self._step(length, what)
        try:
            return self._data[start : start + length].decode()
        except UnicodeDecodeError:
            self._refuse(f"the text of {what} must be UTF-8", repr(self._data[start : start + min(length, 20)]))

    def _step(self, size: int, what: str) -> int:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            self._lies(f"{what} at bytes {start:,} to {self._at:,}")
        return start

    def _lies(self, what: str) -> NoReturn:
        got = f"{what} in a file of {len(self._data):,} bytes"
        self._refuse("all that the header declares must lie inside the file", got)

    def _refuse(
        self, must: str, got: str, hint: str = "the file is truncated or damaged: download or convert it again"
    ) -> NoReturn:
        raise ModelError(self._what, must, got, hint)
