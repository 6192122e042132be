"""A safetensors file as arrays, with one kind of error."""

from pathlib import Path
from typing import Any

import numpy.typing as npt

from tabulae.errors import FileError
from tabulae.files import unreadable

Arrays = dict[str, npt.NDArray[Any]]


def read_safetensors(path: str | Path, what: str) -> tuple[dict[str, str], Arrays]:
    """Metadata and all tensors of a safetensors file.

    :raises FileError: no such file, or another kind of file
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if lacking := [str(array.dtype) for array in arrays.values() if array.dtype.kind not in "biuf"]:
                raise TypeError(f"{lacking[0]}, which is not NumPy's own")  # known to it where ml_dtypes is imported
            return file.metadata() or {}, arrays
    except (SafetensorError, TypeError) as error:  # TypeError: a type that NumPy does not have
        raise FileError(str(path), f"{what} must be a safetensors file", error) from None
    except OSError as error:
        raise unreadable(path, error) from None
