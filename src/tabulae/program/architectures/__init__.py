"""Model architectures: one module per model type, found by scanning this folder.

A new architecture is one new module here with ``ARCHITECTURE``; modules with a leading underscore help them.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from tabulae.errors import ModelError
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._origin import Origin, Source

__all__ = ["Architecture", "Origin", "Source", "find"]


def find(source: Source) -> Architecture:
    """The architecture of a trained model, by its own word for it.

    :raises ModelError: none of the modules here knows it
    """
    key = {"gguf": "general.architecture", "huggingface": "model_type"}[source.kind]
    model_type = source.metadata.get(key)
    known: list[str] = []
    for architecture in _all():
        if model_type in architecture.model_types:
            return architecture
        known += architecture.model_types
    raise ModelError(key, "the architecture must be known", model_type, f"accepted: {', '.join(sorted(known))}")


def _all() -> Iterator[Architecture]:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            architecture: Architecture = importlib.import_module(f"{__name__}.{module.name}").ARCHITECTURE
            yield architecture
