"""Which files a trained model was read from: names, bytes and hashes for the table model's record."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 20
SAMPLES: Final = 4096  # blocks that stand for a large file, spread evenly ...
SAMPLE: Final = 4096  # ... and the bytes of each


def describe_files(paths: Sequence[Path], *, sampled: bool = False) -> dict[str, str]:
    """``file``, ``bytes``, ``xxh3_128``: one entry per file, in the same order, joined by ``", "``.

    ``sampled``: of a file larger than 16 MiB only some blocks are hashed, with its size. It takes a moment instead of
    seconds per gigabyte, and tells models apart that were trained apart.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.bin")
    ...     _ = path.write_bytes(b"")
    ...     describe_files([path])
    {'file': 'a.bin', 'bytes': '0', 'xxh3_128': '99aa06d3014798d86001c324468d497f'}
    """
    return {
        "file": ", ".join(path.name for path in paths),
        "bytes": ", ".join(str(path.stat().st_size) for path in paths),
        "xxh3_128": ", ".join(_hash(path, path.stat().st_size, path.stat().st_mtime_ns, sampled) for path in paths),
    }


@lru_cache(maxsize=256)  # files; planning and building ask more than once, and gigabytes take seconds
def _hash(path: Path, size: int, changed: int, sampled: bool) -> str:
    """Of a file that had this size and was last changed then."""
    import xxhash

    state = xxhash.xxh3_128()
    for block in _some(path, size) if sampled and size > SAMPLES * SAMPLE else _all(path):
        state.update(block)
    return state.hexdigest()


def _all(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _some(path: Path, size: int) -> Iterator[bytes]:
    yield size.to_bytes(8, "little")
    with path.open("rb", buffering=0) as file:
        for number in range(SAMPLES):
            file.seek((size - SAMPLE) * number // (SAMPLES - 1))
            yield file.read(SAMPLE)
