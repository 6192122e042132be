"""The small text files of a model folder, with errors that name them."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from tabulae.errors import ModelError
from tabulae.files import unreadable


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file.

    ``NaN`` and ``Infinity`` are no JSON, but Python writes them: they become the text that stands there, which no field
    that is a number takes, and of which others need not know.

    :raises ModelError: the file is not a JSON object in UTF-8, or gives a key twice
    """
    if not path.is_file():
        return {}
    text = read_text(path)
    try:
        document = json.loads(text, parse_constant=str, parse_float=_number, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        hint = "comments, trailing commas and a byte order mark are none"
        raise ModelError(str(path), "the file must be JSON", error, hint) from None
    if not isinstance(document, dict):
        raise ModelError(str(path), "the file must hold a JSON object", type(document).__name__)
    return document


def read_text(path: Path) -> str:
    """The file's text; :class:`ModelError` where it is not UTF-8, :class:`FileError` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError as error:
        raise ModelError(str(path), "the file must be UTF-8", error) from None


def _number(text: str) -> float | str:
    """A finite number, or its text where it is too large for one (``1e999``)."""
    value = float(text)
    return value if math.isfinite(value) else text


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two values readers would take one or the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the key {Counter(key for key, _ in pairs).most_common(1)[0][0]!r} stands there twice")
    return found
