"""Values of a graph: what they hold, in which shape, and what an integer in them stands for."""

from math import prod
from typing import Annotated, Final, Literal

import msgspec

Size = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]  # counts are int32 in every kernel and target
Rows = tuple[Annotated[int, msgspec.Meta(ge=0)], Size]  # begin, end
Axis = Literal["positions", "wanted"]  # all positions of a run, or those whose outputs are asked for
PerChannel = int | tuple[int, ...]


class Float32(msgspec.Struct, frozen=True, tag="float32", forbid_unknown_fields=True):
    """IEEE single precision."""


class Int(msgspec.Struct, frozen=True, tag="int", omit_defaults=True, forbid_unknown_fields=True):
    """Integers of a proved interval, ends included; each end one number, or one for every channel of the last axis.

    ``unit`` is what 1 stands for. Training and reports read it; no operation does.
    """

    low: PerChannel
    high: PerChannel
    unit: float | tuple[float, ...] = 1.0

    def interval(self) -> tuple[int, int]:
        """The smallest interval that holds all channels.

        >>> Int((0, -3), 5).interval()
        (-3, 5)
        """
        ends = [end if isinstance(end, tuple) else (end,) for end in (self.low, self.high)]
        return min(ends[0], default=0), max(ends[1], default=0)


FLOAT32: Final = Float32()


class Value(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Shape and type of a value; only the first axis may be one whose length a run decides, and is named then.

    >>> Value(("positions", 4, 8)).width
    32
    """

    shape: tuple[Axis | Size, ...]
    type: Float32 | Int = FLOAT32

    @property
    def width(self) -> int:
        """Numbers of one position: the product of all axes but the named one."""
        return prod(self.shape[self.axis is not None :])  # type: ignore[arg-type]

    @property
    def channels(self) -> int:
        """Length of the last axis; 1 where there is none but the named one."""
        last = self.shape[-1] if self.shape else 1
        return 1 if isinstance(last, str) else last

    @property
    def static(self) -> tuple[int, ...]:
        """Its shape in one position."""
        return tuple(int(n) for n in self.shape[self.axis is not None :])

    @property
    def axis(self) -> Axis | None:
        """The named first axis, if there is one."""
        first = self.shape[0] if self.shape else None
        return first if isinstance(first, str) else None


class State(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a sequence keeps from one run to the next: an array per position, or one for the whole sequence."""

    shape: tuple[Size, ...]
    per_position: bool = True

    @property
    def width(self) -> int:
        """Numbers in one array."""
        return prod(self.shape)
