"""Integers that are stored as they are: tables, selections and thresholds of nets."""

from typing import Annotated, Literal

from msgspec import Meta

from tabulae.artifact.record import Count, Part, Record


class ArrayRecord(Record, frozen=True, kw_only=True, tag_field="kind", tag="array"):
    """A tensor of integers, row-major.

    >>> ArrayRecord(name="0.tables", dtype="I16", shape=(16, 16)).parts()
    (Part(name='integers', dtype='I16', shape=(16, 16)),)
    """

    dtype: Literal["U8", "I8", "U16", "I16", "I32"]
    shape: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=8)]

    @property
    def format(self) -> str:
        """Its type."""
        return self.dtype.lower()

    def parts(self) -> tuple[Part, ...]:
        """Its integers."""
        return (Part("integers", self.dtype, self.shape),)
