"""Layouts: the byte order in which a tensor's codes are stored. One file each; its name is the layout's name.

A layout is a module with the members of :class:`Layout`. All of them are pure functions of the shape and the
bits of a code, and whole runs of ``PANEL`` rows follow one another in the file, so a tensor of any size is packed
in pieces.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from tabulae.arithmetic.arrays import Int8s, Uint8s
from tabulae.errors import TableModelError


class Layout(Protocol):
    """What a layout module has."""

    PANEL: int  # rows that are stored together

    def size(self, rows: int, cols: int, bits: int) -> int:
        """Bytes of the packed codes."""

    def pack(self, codes: Uint8s, bits: int) -> Uint8s:
        """Codes [rows, cols] as bytes [size]."""

    def unpack(self, buffer: Uint8s, rows: int, cols: int, bits: int) -> Uint8s:
        """Bytes [size] as codes [rows, cols]."""

    def multipliers_shape(self, rows: int, groups: int) -> tuple[int, ...]:
        """Shape of the packed multipliers."""

    def pack_multipliers(self, multipliers: Int8s) -> Int8s:
        """Multipliers [rows, groups] in the order of the panels."""

    def unpack_multipliers(self, packed: Int8s, rows: int) -> Int8s:
        """Multipliers [rows, groups] back in logical order."""


@cache
def names() -> tuple[str, ...]:
    """The layouts that this version knows.

    >>> names()
    ('panel16',)
    """
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def find(name: str) -> Layout:
    """The layout of this name; the name may come from a file, so only modules of this folder are imported."""
    if name not in names():
        raise TableModelError("layout", "the layout must be known", repr(name), f"accepted: {', '.join(names())}")
    return cast(Layout, import_module(f"{__name__}.{name}"))
