"""Integers that are stored as they are: tables, selections and thresholds of nets."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from tabulae.arithmetic.arrays import Integers
from tabulae.artifact.record import Count, Part, Record

IntegerDtype = Literal["U8", "I8", "U16", "I16", "I32"]
STORED: Final[dict[str, IntegerDtype]] = {"u1": "U8", "i1": "I8", "<u2": "U16", "<i2": "I16", "<i4": "I32"}


class ArrayRecord(Record, frozen=True, kw_only=True, tag_field="kind", tag="array"):
    """A tensor of integers, row-major.

    >>> ArrayRecord(name="0.tables", dtype="I16", shape=(16, 16)).parts()
    (Part(name='integers', dtype='I16', shape=(16, 16)),)
    """

    dtype: IntegerDtype
    shape: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=8)]

    @classmethod
    def of(cls, name: str, array: Integers) -> "ArrayRecord":
        """The record of an array in one of its types."""
        return cls(name=name, dtype=STORED[array.dtype.str.lstrip("|")], shape=array.shape)

    @property
    def format(self) -> str:
        """Its type."""
        return self.dtype.lower()

    def parts(self) -> tuple[Part, ...]:
        """Its integers."""
        return (Part("integers", self.dtype, self.shape),)
