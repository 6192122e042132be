"""Trained models as named tensors and metadata: one module per input kind, none knows an architecture.

``open_source(path)`` finds the kind. A new kind is one new module here with ``ACCEPTS`` (words for the error
message), ``accepts(path) -> bool`` and ``open_model(path) -> Source``; modules with a leading underscore help them.
"""

from tabulae.sources.source import Source, find_kind, open_source

__all__ = ["Source", "find_kind", "open_source"]
