"""Files that are written whole or not at all."""

import os
from pathlib import Path

from tabulae.errors import FileError


def write_whole(path: Path, data: bytes, what: str) -> None:
    """Write a file that appears only when it is complete; ``what`` it is, for the error.

    :raises FileError: it cannot be written; nothing is left behind
    """
    temporary = Path(f"{path}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FileError(str(path), f"{what} must be writable", error.strerror) from None
