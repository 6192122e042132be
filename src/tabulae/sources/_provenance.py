"""Which files a trained model was read from: names, bytes and hashes for the table model's record."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

_BLOCK = 1 << 20


def describe_files(paths: Sequence[Path]) -> dict[str, str]:
    """``file``, ``bytes``, ``xxh3_128``: one entry per file, in the same order, joined by ``", "``.

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
        "xxh3_128": ", ".join(_hash(path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths),
    }


@lru_cache(maxsize=256)  # files; planning and building ask more than once, and gigabytes take seconds
def _hash(path: Path, size: int, changed: int) -> str:
    """Of a file that had this size and was last changed then."""
    import xxhash

    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()
