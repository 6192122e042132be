"""tabulae: a network's arithmetic, done before it runs.

>>> import tabulae
>>> with tabulae.open(model) as trained:  # a GGUF file or a Hugging Face folder
...     path = trained.build(folder / "model.tab", formats=["int:8/row/absmax"])
>>> with tabulae.load(path) as lm:
...     lm.generate("the inn", max_tokens=3).tokens, lm.logits([5, 6]).shape, lm.check().ok
((217, 217, 197), (2, 300), True)

Names are imported when they are first used: ``import tabulae`` itself takes a millisecond.
"""

from tabulae.errors import FileError, ModelError, TableModelError, TabulaeError, UsageError
from tabulae.version import __version__ as __version__

TYPE_CHECKING = False  # to a type checker this name is true; typing itself takes most of the time of the import
if TYPE_CHECKING:
    from typing import Any

    from tabulae.runtime.language_model import Generation, LanguageModel, Piece
    from tabulae.text.sampling import Sampler
    from tabulae.workflows.check import check
    from tabulae.workflows.load import load
    from tabulae.workflows.trained import TrainedModel
    from tabulae.workflows.trained import open_trained as open

__all__ = [
    "FileError",
    "Generation",
    "LanguageModel",
    "ModelError",
    "Piece",
    "Sampler",
    "TableModelError",
    "TabulaeError",
    "TrainedModel",
    "UsageError",
    "check",
    "load",
    "open",
]

_PLACES = {
    "Generation": ("tabulae.runtime.language_model", "Generation"),
    "LanguageModel": ("tabulae.runtime.language_model", "LanguageModel"),
    "Piece": ("tabulae.runtime.language_model", "Piece"),
    "Sampler": ("tabulae.text.sampling", "Sampler"),
    "TrainedModel": ("tabulae.workflows.trained", "TrainedModel"),
    "check": ("tabulae.workflows.check", "check"),
    "load": ("tabulae.workflows.load", "load"),
    "open": ("tabulae.workflows.trained", "open_trained"),
}


def __getattr__(name: str) -> "Any":
    if name not in _PLACES:
        raise AttributeError(f"module 'tabulae' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
