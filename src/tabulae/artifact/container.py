"""The container: header, slots and seal, as in ``docs/format.md``; nothing here knows what the slots mean.

    8 bytes   N, little endian
    N bytes   JSON header, padded with spaces so that the data start at a multiple of 64
    data      the slots one after the other, each of a multiple of 64 bytes; the last is the seal

Every stock safetensors reader opens it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NoReturn

import msgspec
import xxhash

from tabulae.artifact.names import first_repeat, shown
from tabulae.artifact.record import ALIGN, padded
from tabulae.errors import TableModelError

LARGEST_HEADER: Final = 100_000_000  # bytes; the same limit as safetensors has
SEAL: Final = "tabulae.seal"
MAGIC: Final = b"TABULAE\0"
VERSION: Final = 1


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the bytes of a tensor or blob lie, in the words of safetensors; offsets count from the first data byte."""

    dtype: Literal["U8"]
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def layout(sizes: Mapping[str, int]) -> dict[str, Slot]:
    """The slots, one behind the other, and that of the seal behind them all; ``sizes`` are multiples of 64.

    >>> layout({"w": 128})["tabulae.seal"].data_offsets
    (128, 192)
    """
    slots, begin = {}, 0
    for name, size in (*sizes.items(), (SEAL, ALIGN)):
        slots[name] = Slot("U8", (size,), (begin, begin + size))
        begin += size
    return slots


def encode_head(document: bytes, sizes: Mapping[str, int], room: int = 0) -> bytes:
    """Length and JSON header, padded with spaces to ``room`` bytes, at least to a multiple of 64.

    ``document`` is JSON text; ``sizes`` as of :func:`layout`.
    """
    header = msgspec.json.encode({"__metadata__": {"format": "pt", "tabulae": document.decode()}, **layout(sizes)})
    size = max(room, padded(8 + len(header)))
    return (size - 8).to_bytes(8, "little") + header.ljust(size - 8)


def encode_seal(head: bytes) -> bytes:
    """The seal [64] over all bytes before the data: magic, version, 4 zeros, xxh3-128, 32 zeros."""
    return (MAGIC + VERSION.to_bytes(4, "little") + bytes(4) + xxhash.xxh3_128_digest(head)).ljust(ALIGN, b"\0")


def read_head(data: memoryview) -> bytes:
    """The bytes before the data, after the seal at the end of the file has vouched for them."""
    if len(data) < 2 * ALIGN or len(data) % ALIGN:
        must = f"its size must be a multiple of {ALIGN}, at least {2 * ALIGN}"
        raise TableModelError("file", must, len(data), "no table model, or cut short")
    seal = bytes(data[-ALIGN:])
    if not seal.startswith(MAGIC):
        must = "the last 64 bytes must be the seal of a table model"
        raise TableModelError("seal", must, seal[:8].hex(), "no table model, or cut short")
    version = int.from_bytes(seal[8:12], "little")
    if version != VERSION:
        raise TableModelError("seal", f"the version must be {VERSION}", version, "update tabulae")
    head = bytes(data[: _head_size(data)])
    if seal != encode_seal(head):
        raise TableModelError("seal", "it must match the header", "another header", "the file was altered: get it anew")
    return head


def parse_header(head: bytes) -> tuple[dict[str, Slot], str]:
    """The slots and the text of the JSON document."""
    text = head[8:].rstrip(b" ")
    if not text.startswith(b"{") or not text.endswith(b"}"):
        raise TableModelError("header", "it must be one JSON object followed by spaces only", text[:1] + text[-1:])
    header = strict_json("header", text)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.keys() != {"format", "tabulae"} or metadata["format"] != "pt":
        must = "__metadata__ must hold format 'pt' and one document 'tabulae'"
        raise TableModelError("header", must, shown(metadata))
    if not isinstance(metadata["tabulae"], str):
        raise TableModelError("header", "the document must be a string", type(metadata["tabulae"]).__name__)
    return convert_slots(header), metadata["tabulae"]


def convert_slots(header: dict[str, Any]) -> dict[str, Slot]:
    """Slots from parsed JSON: each of them U8 with a shape and two offsets."""
    try:
        return msgspec.convert(header, dict[str, Slot])
    except ValueError as error:
        raise TableModelError("header", "every slot must be U8 with a shape and two offsets", shown(error)) from None


def check_slots(slots: Mapping[str, Slot], sizes: Mapping[str, int], size: int) -> None:
    """The slots must lie as ``sizes`` say, without gap or overlap, and end where the file ends after ``size`` bytes."""
    expected = layout(sizes)
    if slots.keys() != expected.keys():
        odd = sorted(slots.keys() ^ expected.keys())[0]
        raise TableModelError(f"slot {shown(odd)}", "header and document must list the same", "it in one of them only")
    for name, slot in expected.items():
        if slots[name] != slot:
            raise TableModelError(
                f"slot {name}", f"it must lie at {_place(slot)}", _place(slots[name]), "gap or overlap"
            )
    if expected[SEAL].data_offsets[1] != size:
        raise TableModelError("file", f"it must have {expected[SEAL].data_offsets[1]} bytes of data", size)


def strict_json(what: str, text: bytes | str) -> Any:
    """JSON as the standard has it: UTF-8, no NaN, and no key twice in one object."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TableModelError(what, "it must be JSON without duplicate keys", shown(error)) from None


def _head_size(data: memoryview) -> int:
    """8 + N, after every limit on it."""
    size = 8 + int.from_bytes(data[:8], "little")
    if size > LARGEST_HEADER:
        raise TableModelError("header", f"its length must be at most {LARGEST_HEADER}", size - 8)
    if size % ALIGN or not ALIGN <= size <= len(data) - ALIGN:
        raise TableModelError("header", f"the data must start at a multiple of {ALIGN} inside the file", size)
    return size


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"duplicate key {first_repeat(key for key, _ in pairs)!r}")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"the constant {name}")


def _place(slot: Slot) -> str:
    return shown(f"{list(slot.data_offsets)} with shape {list(slot.shape)}")
