"""Opening a table model: mapped into memory, checked, and with ``verify=True`` verified to the last bit."""

import mmap
import os
from pathlib import Path

import numpy as np

from tabulae.arithmetic.arrays import Uint8s
from tabulae.artifact.file import TableModelFile
from tabulae.artifact.verify import verify as verify_all
from tabulae.errors import FileError

__all__ = ["TableModelFile", "open_table_model"]


def open_table_model(path: str | os.PathLike[str], *, verify: bool = False) -> TableModelFile:
    """Map the table model at ``path``; with ``verify`` also check every hash and prove the widths anew.

    :raises FileError: the file is missing or cannot be read
    :raises TableModelError: it is malformed, altered, or needs what this version lacks
    """
    file = TableModelFile(_map(Path(path)), Path(path))
    if verify:
        verify_all(file).require()
    return file


def _map(path: Path) -> Uint8s:
    """The bytes of a file, mapped read-only."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:  # nothing to map
                return np.empty(0, np.uint8)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        raise FileError(str(path), "it must be a readable file", error.strerror or error) from None
