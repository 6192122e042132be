"""What every record has: a name, a hash, and the parts of its slot.

A slot is what one tensor or blob takes in the file: its parts one behind the other, each padded with zeros to a
multiple of 64 bytes. Which parts there are, of what type and shape, follows from the record alone, so no offset is ever
said twice. A new kind of record is a file in ``records/``: a subclass with ``parts``, and what must hold of their
numbers.

>>> part = Part("scales", "BF16", (20,))
>>> part.length, padded(part.length)
(40, 64)
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from tabulae.arithmetic.arrays import Uint8s
from tabulae.artifact.names import check_name
from tabulae.errors import TableModelError

ALIGN: Final = 64  # bytes: a cache line, and the widest vector
NO_HASH: Final = "0" * 16  # as wide as any

# Spelled as in safetensors; bfloat16 is held as uint16.
DTYPES: Final = {
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "BF16": "<u2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
}
ITEMSIZES: Final = {name: int(dtype[-1]) for name, dtype in DTYPES.items()}

Dtype = Literal["U8", "I8", "U16", "I16", "BF16", "U32", "I32", "F32"]
# Row and column numbers are int32 in every kernel and target; 2^31 * 2^31 codes of 8 bits still fit int64.
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
Arrays = Mapping[str, npt.NDArray[Any]]  # by the names of the parts


def padded(length: int) -> int:
    """The next multiple of 64.

    >>> padded(0), padded(1), padded(64)
    (0, 64, 64)
    """
    return -(-length // ALIGN) * ALIGN


class Part(NamedTuple):
    """One array: its true type and shape."""

    name: str
    dtype: Dtype
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        """Bytes without padding."""
        return prod(self.shape) * ITEMSIZES[self.dtype]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of all that stands in the document: immutable, every field by its name, defaults left out."""


class Record(Strict, frozen=True):
    """Base of all records; they check themselves when they are made, by a builder or from a file."""

    WORD: ClassVar[str] = "tensor"  # what errors call it

    name: str
    hash: Hash | None = None  # xxh3-64 of the slot as stored, padding included; None: not written yet

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is stored, however it is stored."""
        raise NotImplementedError

    @property
    def format(self) -> str:
        """The name of its format, for people."""
        raise NotImplementedError

    def parts(self) -> tuple[Part, ...]:
        """The arrays of its slot, in the order of the file: a function of this record alone."""
        raise NotImplementedError

    def features(self) -> frozenset[str]:
        """What it asks of a reader beyond the first version of the schema."""
        return frozenset()

    def check(self, arrays: Arrays) -> None:
        """What must hold of its numbers before anything runs on them; it is asked whenever a file is opened."""

    def verify(self, arrays: Arrays) -> None:
        """What full verification also looks at."""

    @property
    def length(self) -> int:
        """Bytes without padding."""
        return sum(part.length for part in self.parts())

    @property
    def stored(self) -> int:
        """Bytes of its slot: with padding."""
        return sum(padded(part.length) for part in self.parts())

    def arrays(self, slot: Uint8s) -> dict[str, npt.NDArray[Any]]:
        """The parts as views of the bytes of the slot, in their true types and shapes; bfloat16 as uint16."""
        return {part.name: _view(slot[begin:end], part) for part, begin, end in self._places()}

    def check_padding(self, slot: Uint8s) -> None:
        """Nothing may hide behind the parts."""
        for part, _, end in self._places():
            if slot[end : padded(end)].any():
                raise self.error(f"the padding of its {part.name} must be zero", "other bytes")

    def error(self, must: str, got: object, hint: str = "") -> TableModelError:
        """An error that names this record."""
        return TableModelError(f"{self.WORD} {self.name}", must, got, hint)

    def _places(self) -> Iterator[tuple[Part, int, int]]:
        """Every part with where it begins and ends in the slot."""
        begin = 0
        for part in self.parts():
            yield part, begin, begin + part.length
            begin += padded(part.length)


def _view(data: Uint8s, part: Part) -> npt.NDArray[Any]:
    return data.view(np.dtype(DTYPES[part.dtype])).reshape(part.shape)
