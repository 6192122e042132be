"""Trained models as named tensors and metadata: one module per input kind, none knows an architecture.

``open_source(path)`` finds the kind. A new kind is one new module here with ``ACCEPTS`` (words for the error
message), ``accepts(path) -> bool`` and ``open_model(path) -> Source``; modules with a leading underscore help them.
A source whose ``kind`` is one that architectures read (its names and keys are those of another) needs nothing else.
"""

from tabulae.sources.source import Source, find_kind, open_source

__all__ = ["Source", "find_kind", "open_source"]
