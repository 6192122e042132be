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

    :raises ModelError: none of the modules here knows it from such a source
    """
    known: list[str] = []
    for architecture in _all():
        if architecture.reading(source):
            return architecture
        known += (word for reading in architecture.readings if reading.kind == source.kind for word in reading.families)
    accepted = f"accepted: {', '.join(sorted(known))}"
    raise ModelError(f"{source.kind} model", "the architecture must be known", source.family, accepted)


def _all() -> Iterator[Architecture]:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            architecture: Architecture = importlib.import_module(f"{__name__}.{module.name}").ARCHITECTURE
            yield architecture
