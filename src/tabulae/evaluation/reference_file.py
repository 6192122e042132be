"""A stored reference on disk: a safetensors file with one JSON record, checked in full when it is loaded.

Tensors: ``tokens`` int32 [windows, length], ``ids_low`` uint16 and, for vocabularies above 65,536, ``ids_high`` uint8
(id = high * 65536 + low), ``log_probs`` float32, all [windows, scored, k], and ``surprise`` float32 [windows, scored].
Same reference, same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from tabulae.errors import FileError
from tabulae.evaluation.reference import LARGEST_VOCABULARY, Reference
from tabulae.evaluation.windows import Windows
from tabulae.files import unreadable, write_whole

KEY = "tabulae.reference"
VERSION = 1
LOW = 1 << 16
Arrays = Mapping[str, npt.NDArray[Any]]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON record beside the tensors."""

    version: int
    model: str
    vocabulary: int
    first: int
    hash: str  # xxh3-128 of all tensors, by name


def save(reference: Reference, path: str | Path) -> None:
    """Write ``reference``; the file appears only when it is complete.

    :raises FileError: the file cannot be written
    """
    from safetensors.numpy import save as to_bytes

    arrays = _arrays(reference)
    record = _Record(VERSION, reference.model, reference.vocabulary, reference.windows.first, _hash(arrays))
    data = to_bytes(dict(arrays), {KEY: msgspec.json.encode(record).decode()})
    write_whole(Path(path), data, "the reference")


def load(path: str | Path) -> Reference:
    """Read what :func:`save` wrote.

    :raises FileError: no such file, or one that is malformed or was altered
    """
    metadata, arrays = _read(Path(path))
    record = _record(path, metadata)
    _check(path, record, arrays)
    ids = arrays["ids_low"].astype(np.uint32)
    if "ids_high" in arrays:
        ids += arrays["ids_high"].astype(np.uint32) * np.uint32(LOW)
    _require(path, "every token id must be in the vocabulary", int(ids.max()) < record.vocabulary, int(ids.max()))
    windows = Windows(arrays["tokens"], record.first)
    return Reference(record.model, record.vocabulary, windows, ids, arrays["log_probs"], arrays["surprise"])


def _arrays(reference: Reference) -> Arrays:
    """The tensors, in order of their names."""
    wide = {"ids_high": (reference.ids >> 16).astype(np.uint8)} if reference.vocabulary > LOW else {}
    arrays = {
        "ids_low": (reference.ids & (LOW - 1)).astype(np.uint16),
        "log_probs": reference.log_probs,
        "surprise": reference.surprise,
        "tokens": reference.windows.tokens,
        **wide,
    }
    return {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}


def _hash(arrays: Arrays) -> str:
    state = xxhash.xxh3_128()
    for name in sorted(arrays):
        state.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape};".encode())
        state.update(arrays[name].tobytes())
    return state.hexdigest()


def _read(path: Path) -> tuple[dict[str, str], Arrays]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError) as error:  # TypeError: a type that NumPy does not have
        raise FileError(str(path), "a stored reference must be a safetensors file", error) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _record(path: str | Path, metadata: dict[str, str]) -> _Record:
    try:
        record = msgspec.json.decode(metadata.get(KEY, "{}"), type=_Record)
    except msgspec.DecodeError as error:
        raise FileError(str(path), f"the metadata must hold a record {KEY}", error) from None
    _require(path, f"the version must be {VERSION}", record.version == VERSION, record.version)
    vocabulary = record.vocabulary
    _require(path, "the vocabulary must have 1 to 2^24 tokens", 1 <= vocabulary <= LARGEST_VOCABULARY, vocabulary)
    return record


def _check(path: str | Path, record: _Record, arrays: Arrays) -> None:
    """Names, types, shapes, values and the hash."""
    types = {"ids_low": np.uint16, "log_probs": np.float32, "surprise": np.float32, "tokens": np.int32}
    types |= {"ids_high": np.uint8} if record.vocabulary > LOW else {}
    found = {name: array.dtype for name, array in arrays.items()}
    _require(path, f"the tensors must be {', '.join(sorted(types))}, each of its type", found == types, sorted(found))
    _check_shapes(path, record, arrays)
    tokens, log_probs = arrays["tokens"], arrays["log_probs"]
    inside = tokens.min() >= 0 and tokens.max() < record.vocabulary
    _require(path, "every token must be in the vocabulary", inside, f"{tokens.min()} to {tokens.max()}")
    finite = bool(np.isfinite(arrays["surprise"]).all() and np.isfinite(log_probs).all())
    _require(path, "log-probabilities must be finite, at most 0", finite and log_probs.max() <= 0, "others")
    _require(path, "the hash must be that of the tensors", _hash(arrays) == record.hash, "altered data")


def _check_shapes(path: str | Path, record: _Record, arrays: Arrays) -> None:
    tokens = arrays["tokens"].shape
    fits = len(tokens) == 2 and tokens[0] > 0 and 0 <= record.first <= tokens[1] - 2
    _require(path, "the tokens must be windows with positions to score", fits, f"{tokens}, first {record.first}")
    scored = (tokens[0], tokens[1] - 1 - record.first)
    shapes = {name: array.shape for name, array in arrays.items() if name != "tokens"}
    k = shapes["ids_low"][-1] if shapes["ids_low"] else 0
    expected = {name: scored if name == "surprise" else (*scored, k) for name in shapes}
    _require(path, f"the tensors must have shapes [{scored[0]}, {scored[1]}, k]", shapes == expected and k, shapes)


def _require(path: str | Path, must: str, holds: object, got: object) -> None:
    if not holds:
        raise FileError(str(path), must, got, "record the reference anew")
