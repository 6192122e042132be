"""Trained models as named tensors and metadata: one module per input kind, none knows an architecture.

``open_source(path)`` finds the kind. A new kind is one new module here with ``ACCEPTS`` (words for the error
message), ``accepts(path) -> bool`` and ``open_model(path) -> Source``; modules with a leading underscore help them.
A source whose ``kind`` is one that architectures read (its names and keys are those of another) needs nothing else.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tabulae.errors import ModelError
from tabulae.files import check_there
from tabulae.sources.source import Source

__all__ = ["Source", "find_kind", "open_source"]


def open_source(path: str | Path) -> Source:
    """Open a trained model: a GGUF file, or a Hugging Face folder.

    Raises :class:`FileError` where nothing is at ``path``, :class:`ModelError` where it is no model.

    >>> open_source("no-such-model.gguf")
    Traceback (most recent call last):
    tabulae.errors.FileError: [no-such-model.gguf] it must be readable, but got no such file or folder; look at the path
    """
    source: Source = find_kind(Path(path)).open_model(Path(path))
    return source


def find_kind(path: Path, *others: str) -> ModuleType:
    """The module that opens ``path``; ``others`` are kinds that the caller accepts besides, for the error.

    Raises as :func:`open_source` does.
    """
    check_there(path)
    modules = tuple(_kinds())
    for module in modules:
        if module.accepts(path):
            return module
    accepted = ", or ".join([*others, *(module.ACCEPTS for module in modules)])
    got = "a folder without config.json" if path.is_dir() else f"a file that is none (suffix {path.suffix or 'none'})"
    raise ModelError(str(path), "the model must be of a known kind", got, f"accepted: {accepted}")


def _kinds() -> Iterator[ModuleType]:
    for entry in pkgutil.iter_modules(__path__):
        if entry.name != "source" and not entry.name.startswith("_"):
            yield importlib.import_module(f"{__name__}.{entry.name}")
