"""Files of a target, in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path

from tabulae.errors import FileError
from tabulae.files import write_whole


def write(folder: str | Path, files: Mapping[str, str]) -> None:
    """Write texts by their names, in a folder that is made if it is not there.

    >>> write(folder / "net", {"net.h": "int x;"})
    >>> write(folder / "net", {"net.h": "int y;"})
    Traceback (most recent call last):
    tabulae.errors.FileError: [...net] the folder must be empty, but got net.h; give another, or empty it first

    :raises FileError: it is not empty, or cannot be written
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise FileError(str(folder), "it must be a folder that can be written", error.strerror) from None
    if there:
        raise FileError(str(folder), "the folder must be empty", there[0], "give another, or empty it first")
    for name, text in files.items():
        write_whole(folder / name, text.encode(), "a file of the target")
