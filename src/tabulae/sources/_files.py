"""The small text files of a model folder, with errors that name them."""

from pathlib import Path
from typing import Any

import msgspec

from tabulae.errors import ModelError


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file.

    Raises :class:`ModelError` where the file is not a JSON object.
    """
    if not path.is_file():
        return {}
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(str(path), "the file must be JSON", error) from None
    if not isinstance(document, dict):
        raise ModelError(str(path), "the file must hold a JSON object", type(document).__name__)
    return document


def read_text(path: Path) -> str:
    """The file's text; :class:`ModelError` where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(str(path), "the file must be UTF-8", error) from None
