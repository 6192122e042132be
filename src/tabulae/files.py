"""Files that are there to be read, and files that are written whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tabulae.errors import FileError


def check_there(path: str | Path) -> None:
    """Refuse a path at which there is nothing.

    >>> check_there("no-such-model.gguf")
    Traceback (most recent call last):
    tabulae.errors.FileError: [no-such-model.gguf] it must be readable, but got no such file or folder; look at the path

    :raises FileError: there is nothing, or nothing that may be looked at
    """
    try:
        os.stat(path)
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: str | Path, error: OSError) -> FileError:
    """The error of a file that is missing or cannot be read, in the same words everywhere."""
    missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    got = "no such file or folder" if missing else error.strerror or error
    return FileError(str(path), "it must be readable", got, "look at the path" if missing else "")


def check_place(path: str | Path) -> None:
    """Refuse a file to write whose folder is missing or cannot be written, before long work.

    :raises FileError: naming the folder
    """
    folder = Path(path).absolute().parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        got = f"{folder}, which is {'not writable' if folder.is_dir() else 'no folder'}"
        raise FileError(str(path), "its folder must be there and writable", got, "make it, or give another -o")


def write_whole(path: Path, data: bytes, what: str) -> None:
    """Write a file that has its name only when all of it is on the disk; ``what`` it is, for the error.

    :raises FileError: it cannot be written; nothing is left behind
    """
    temporary = temporary_name(path)
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise FileError(str(path), f"{what} must be writable", error.strerror) from None


def temporary_name(path: Path) -> Path:
    """A hidden name beside ``path`` that no other thread or process gives."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def is_temporary(path: Path, target: str) -> bool:
    """Whether a kill left the file behind while ``target``, in the same folder, was written."""
    return path.name.startswith(f".{target}.") and path.suffix == ".tmp"


def sync_folder(folder: Path) -> None:
    """Put a new name on the disk too, where folders can be opened and synced: the file itself is there already."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
