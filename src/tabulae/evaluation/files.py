"""Files of this folder: written whole or not at all, and safetensors read with one kind of error."""

import os
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tabulae.errors import FileError

Arrays = dict[str, npt.NDArray[Any]]


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


def read_safetensors(path: str | Path, what: str) -> tuple[dict[str, str], Arrays]:
    """Metadata and all tensors of a safetensors file.

    :raises FileError: no such file, or another kind of file
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError) as error:  # TypeError: a type that NumPy does not have
        raise FileError(str(path), f"{what} must be a safetensors file", error) from None
    except OSError as error:
        raise FileError(str(path), f"{what} must be readable", error) from None
