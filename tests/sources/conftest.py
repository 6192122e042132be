"""Small model files, well-formed and not: GGUF bytes written field by field, safetensors by their library."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CODES = {bool: (7, "<?"), int: (4, "<I"), float: (6, "<f")}


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value(content: Any) -> bytes:
    """Type and value as GGUF writes them; ``bytes`` go in as they are (type and all)."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return struct.pack("<I", 8) + text(content)
    if isinstance(content, list):
        kind, code = (8, "") if isinstance(content[0], str) else CODES[type(content[0])]
        items = [text(item) if kind == 8 else struct.pack(code, item) for item in content]
        return struct.pack("<IIQ", 9, kind, len(content)) + b"".join(items)
    kind, code = CODES[type(content)]
    return struct.pack("<I", kind) + struct.pack(code, content)


def tensor(name: str | bytes, shape: Sequence[int], kind: int, offset: int) -> bytes:
    """One tensor's entry; ``shape`` in NumPy order."""
    sizes = struct.pack(f"<{len(shape)}Q", *reversed(shape))
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


def gguf_bytes(
    fields: Sequence[tuple[str, Any]] = (),
    tensors: Sequence[bytes] = (),
    data: bytes = b"",
    magic: bytes = b"GGUF",
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    entries = b"".join(text(key) + value(content) for key, content in fields)
    head = magic + struct.pack("<IQQ", version, *(counts or (len(tensors), len(fields)))) + entries + b"".join(tensors)
    alignment = dict(fields).get("general.alignment", 32)
    return head + bytes(-len(head) % alignment if isinstance(alignment, int) else 0) + data


@pytest.fixture
def gguf_file(tmp_path: Path) -> Callable[..., Path]:
    """``gguf_file(fields=..., tensors=..., ...)`` or ``gguf_file(raw=bytes)`` writes a file and gives its path."""

    def write(raw: bytes | None = None, **parts: Any) -> Path:
        path = tmp_path / "model.gguf"
        path.write_bytes(gguf_bytes(**parts) if raw is None else raw)
        return path

    return write


@pytest.fixture(scope="session")
def small_gguf() -> bytes:
    """Two tensors, a few fields, a tokenizer."""
    weights = np.arange(12, dtype="<f4").tobytes()
    fields = [
        ("general.architecture", "llama"),
        ("general.name", "tiny"),
        ("general.license", "mit"),
        ("general.organization", "nobody"),
        ("general.languages", ["en", "de"]),
        ("llama.rope.freq_base", 10000.0),
        ("llama.block_count", 2),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "gpt-2"),
        ("tokenizer.ggml.tokens", ["a", "b", "ab"]),
        ("tokenizer.ggml.merges", ["a b"]),
        ("tokenizer.ggml.add_bos_token", False),
    ]
    entries = [tensor("w", (3, 4), 0, 0), tensor("norm", (4,), 1, 64)]
    return gguf_bytes(fields, entries, weights + bytes(16) + np.array([1, 2, 3, 4], dtype="<f2").tobytes())


@pytest.fixture
def write_parts() -> Any:
    """The functions above, for tests that build a malformed file."""
    return {"text": text, "value": value, "tensor": tensor}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """``folder({"config.json": {...}, "README.md": "..."}, {"model.safetensors": {name: array}})``."""
    import json

    from safetensors.numpy import save_file

    def write(files: dict[str, Any] | None = None, weights: dict[str, dict[str, Any]] | None = None) -> Path:
        for name, content in {"config.json": {"model_type": "llama"}, **(files or {})}.items():
            data = (
                content if isinstance(content, bytes) else content if isinstance(content, str) else json.dumps(content)
            )
            (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        for name, arrays in (weights or {}).items():
            save_file(arrays, tmp_path / name)
        return tmp_path

    return write
