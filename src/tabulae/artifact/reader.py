"""Opening a table model: mapped into memory, checked, and with ``verify=True`` verified to the last bit."""

import mmap
import os
from pathlib import Path

import numpy as np

from tabulae.arithmetic.arrays import Uint8s
from tabulae.artifact.file import TableModelFile
from tabulae.artifact.verify import verify as verify_all
from tabulae.errors import TableModelError
from tabulae.files import check_there, unreadable

__all__ = ["TableModelFile", "open_table_model"]


def open_table_model(path: str | os.PathLike[str], *, verify: bool = False) -> TableModelFile:
    """Map the table model at ``path``; with ``verify`` also check every hash and prove the widths anew.

    :raises FileError: the file is missing or cannot be read
    :raises TableModelError: it is malformed, altered, or needs what this version lacks
    """
    data = _map(Path(path))
    if data[:4].tobytes() == b"GGUF":
        raise _another(Path(path), "a GGUF file")
    file = TableModelFile(data, Path(path))
    if verify:
        verify_all(file).require()
    return file


def _map(path: Path) -> Uint8s:
    """The bytes of a file, mapped read-only."""
    check_there(path)
    if path.is_dir():
        raise _another(path, "a folder")
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:  # nothing to map
                return np.empty(0, np.uint8)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        raise unreadable(path, error) from None


def _another(path: Path, kind: str) -> TableModelError:
    """The error of what may be a trained model."""
    hint = f"build one of it first: tabulae build {path} -o {path.stem}.tab"
    return TableModelError(str(path), "it must be a table model", kind, hint)
