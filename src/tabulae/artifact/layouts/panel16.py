"""Layout ``panel16``: 16 rows in lanes, one sequential stream (``docs/format.md``, "Layout panel16").

Codes are cut in units of 16 rows (a panel) x 32 columns (a block). Eight columns of one row are eight neighbouring
bytes, so all of it is done on 64-bit words of eight codes: shifts and masks never leave a byte.

Indices: p panel, h half of a panel (8 rows), i row in the half, b block, o octet of a block (8 columns),
k column in the octet (a byte of a word), s = 4 h + o slot.

>>> codes = np.arange(16 * 32, dtype=np.uint8).reshape(16, 32) % 8
>>> pack(codes, 3).nbytes  # a plane of the low two bits, then a plane of the third
192
>>> bool((unpack(pack(codes, 3), 16, 32, 3) == codes).all())
True
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Int8s, Uint8s
from tabulae.errors import UsageError

PANEL, BLOCK = 16, 32
_LINE = 8  # words of a line: 64 bytes
_PIECE = 1 << 18  # codes packed at a time: the words and their temporaries stay in the L2 cache

_Words = npt.NDArray[np.uint64]


def planes(bits: int) -> tuple[tuple[int, int], ...]:
    """(width, lowest bit of the code) of each plane, in order.

    >>> planes(7), planes(5), planes(8)
    (((4, 0), (2, 4), (1, 6)), ((4, 0), (1, 4)), ((8, 0),))
    """
    widths = [width for width in (8, 4, 2, 1) if bits & width]
    return tuple((width, sum(widths[:index])) for index, width in enumerate(widths))


def size(rows: int, cols: int, bits: int) -> int:
    """Bytes of the packed codes of [rows, cols].

    >>> size(17, 33, 4)
    1024
    """
    return _ceil(rows, PANEL) * _ceil(cols, BLOCK) * 64 * bits


def pack(codes: Uint8s, bits: int) -> Uint8s:
    """Codes uint8 [rows, cols] as bytes [size]; a code of more than ``bits`` bits is a UsageError."""
    rows, cols = codes.shape
    if int(codes.max(initial=0)) >> bits:
        raise UsageError("pack", f"every code must fit {bits} bits", int(codes.max()))
    blocks = _ceil(cols, BLOCK)
    packed = np.empty((_ceil(rows, PANEL), blocks, bits, _LINE), np.uint64)
    for begin, end in _pieces(len(packed), blocks):
        _pack_panels(_filled(codes[begin * PANEL : end * PANEL], end - begin, blocks), bits, packed[begin:end])
    return packed.reshape(-1).view(np.uint8)


def unpack(buffer: Uint8s, rows: int, cols: int, bits: int) -> Uint8s:
    """Bytes [size] as codes uint8 [rows, cols]."""
    if buffer.shape != (size(rows, cols, bits),):
        raise UsageError("unpack", f"the buffer must have {size(rows, cols, bits)} bytes", buffer.shape)
    blocks = _ceil(cols, BLOCK)
    packed = buffer.view(np.uint64).reshape(-1, blocks, bits, _LINE)
    codes = np.empty((rows, cols), np.uint8)
    for begin, end in _pieces(len(packed), blocks):
        target = codes[begin * PANEL : end * PANEL]
        target[:] = _unpack_panels(packed[begin:end], bits)[: len(target), :cols]
    return codes


def multipliers_shape(rows: int, groups: int) -> tuple[int, ...]:
    """[panels, groups, 16]."""
    return (_ceil(rows, PANEL), groups, PANEL)


def pack_multipliers(multipliers: Int8s) -> Int8s:
    """Multipliers int8 [rows, groups] as [panels, groups, 16]; the missing rows of the last panel are 0."""
    rows, groups = multipliers.shape
    full = np.zeros((_ceil(rows, PANEL) * PANEL, groups), np.int8)
    full[:rows] = multipliers
    return np.ascontiguousarray(full.reshape(-1, PANEL, groups).transpose(0, 2, 1))


def unpack_multipliers(packed: Int8s, rows: int) -> Int8s:
    """Multipliers int8 [panels, groups, 16] as [rows, groups]."""
    panels, groups, _ = packed.shape
    return np.ascontiguousarray(packed.transpose(0, 2, 1).reshape(panels * PANEL, groups)[:rows])


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def _pieces(panels: int, blocks: int) -> Iterator[tuple[int, int]]:
    """Ranges of panels of about ``_PIECE`` codes."""
    step = max(1, _PIECE // (PANEL * BLOCK * blocks))
    return ((begin, min(begin + step, panels)) for begin in range(0, panels, step))


def _filled(codes: Uint8s, panels: int, blocks: int) -> _Words:
    """Codes as words [rows, octets], with code 0 where a unit is not full."""
    shape = (panels * PANEL, blocks * BLOCK)
    if codes.shape != shape:
        whole = np.zeros(shape, np.uint8)
        whole[: codes.shape[0], : codes.shape[1]] = codes
        codes = whole
    return np.ascontiguousarray(codes).view(np.uint64)


def _pack_panels(words: _Words, bits: int, out: _Words) -> None:
    """Words [p * 16, b * 4] into ``out`` [p, b, bits, 8]."""
    panels, blocks = out.shape[:2]
    # [p, h, i, b, o] -> [p, b, h, o, i] -> [p, b, s, i]
    slots = words.reshape(panels, 2, 8, blocks, 4).transpose(0, 3, 1, 4, 2).reshape(panels, blocks, 8, 8)
    for width, low in planes(bits):
        per_line, mask = 8 // width, _repeated((1 << width) - 1)
        fields = ((slots >> np.uint64(low)) & mask).reshape(panels, blocks, width, per_line, 8)
        lines = out[:, :, low : low + width]  # planes before this one take `low` lines
        lines[:] = fields[:, :, :, 0]
        for place in range(1, per_line):
            lines |= fields[:, :, :, place] << np.uint64(place * width)


def _unpack_panels(packed: _Words, bits: int) -> Uint8s:
    """Words [p, b, bits, 8] as codes [p * 16, b * 32]."""
    panels, blocks = packed.shape[:2]
    slots = np.zeros((panels, blocks, 8, 8), np.uint64)  # [p, b, s, i]
    for width, low in planes(bits):
        per_line, mask = 8 // width, _repeated((1 << width) - 1)
        fields = slots.reshape(panels, blocks, width, per_line, 8)
        lines = packed[:, :, low : low + width]
        for place in range(per_line):
            fields[:, :, :, place] |= ((lines >> np.uint64(place * width)) & mask) << np.uint64(low)
    words = slots.reshape(panels, blocks, 2, 4, 8).transpose(0, 2, 4, 1, 3)  # [p, h, i, b, o]
    return np.ascontiguousarray(words).reshape(panels * PANEL, blocks * 4).view(np.uint8)


def _repeated(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101010101010101)
