"""What passes ask of operations, without knowing them."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

from tabulae.arithmetic.arrays import Int64s

Kind = Literal["norm", "values", "hidden"]  # what a factor per channel moves through
Side = tuple[str, Literal["rows", "columns"]]  # of a matrix; a vector has rows alone


class Bases(Protocol):
    """One operation on the way of a pass that finds what shares a basis (``calibration/bases.py``)."""

    @property
    def by_order(self) -> bool:
        """Whether bases are only permuted, which norms over the whole width allow."""
        ...

    def join(self, values: Iterable[str], *sides: Side) -> None:
        """These values, as the operation reads or writes them, and sides of tensors have one basis."""
        ...

    def forbid(self, why: str) -> None:
        """No value of the operation may change its basis."""
        ...

    def is_whole(self, vector: str, value: str) -> bool:
        """Whether a vector has an entry for every column of the value."""
        ...

    def is_ones(self, vector: str) -> bool:
        """Whether all entries are 1."""
        ...


class Carry(NamedTuple):
    """A factor per channel may move through an operation, from what makes its source to what reads ``out``."""

    kind: Kind
    out: str
    columns: Int64s  # the channel of every column of ``out``
    source: str | None = None  # the value whose channels these are; None: the vectors of the operation itself
    vectors: tuple[str, ...] = ()
