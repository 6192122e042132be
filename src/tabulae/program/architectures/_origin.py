"""Where canonical tensors come from: a source's name for them, and what undoes the source's habits."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s

FEW = 16  # rows are read one by one if fewer than one in so many is wanted


class Source(Protocol):
    """What architectures need of a trained model: a part of ``tabulae.sources.Source``."""

    @property
    def kind(self) -> str:
        """``"gguf"`` or ``"huggingface"``."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """GGUF: the key-value fields; Hugging Face: config.json."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """All tensors."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """NumPy order."""
        ...

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        """The tensor, or some of its rows, in memory of its own."""
        ...


@dataclass(frozen=True, eq=False)
class Origin:
    """One canonical tensor: the source's ``name``, transposed or not, then some of its ``rows``, then ``plus``."""

    name: str
    transposed: bool = False
    rows: Int64s | None = None  # of the (transposed) tensor; None: all, in order
    plus: float = 0.0
    shape: tuple[int, ...] = ()  # canonical; filled in by Architecture.tensors

    def canonical_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The canonical shape that a source tensor of this shape gives."""
        shape = shape[::-1] if self.transposed else shape
        return shape if self.rows is None else (len(self.rows), *shape[1:])

    def read(self, source: Source) -> Float32s:
        """The canonical tensor, float32, contiguous."""
        x = source.read(self.name)
        x = x.T if self.transposed else x
        return self._finished(x if self.rows is None else x[self.rows])

    def read_rows(self, source: Source, wanted: Int64s) -> Float32s:
        """Some rows, ascending, of the canonical tensor; of a large one nothing else is read, if rows are rows."""
        if self.transposed or FEW * len(wanted) > self.shape[0]:
            return self.read(source)[wanted]
        rows = wanted if self.rows is None else self.rows[wanted]
        return self._finished(np.concatenate([source.read(self.name, slice(row, row + 1)) for row in rows.tolist()]))

    def _finished(self, x: Float32s) -> Float32s:
        return np.ascontiguousarray(x + np.float32(self.plus) if self.plus else x)


def gguf_name(templates: Mapping[str, str], canonical: str) -> str:
    """GGUF's name, by templates without the last part (``weight`` or ``bias``) and with ``{}`` for the layer.

    >>> gguf_name({"model.layers.{}.mlp.up_proj": "blk.{}.ffn_up"}, "model.layers.7.mlp.up_proj.weight")
    'blk.7.ffn_up.weight'
    """
    stem, last = canonical.rsplit(".", 1)
    layer = re.search(r"\.(\d+)\.", stem)
    if layer is None:
        return f"{templates[stem]}.{last}"
    return f"{templates[stem.replace(layer[0], '.{}.', 1)].format(layer[1])}.{last}"


def huggingface_name(source: Source, canonical: str, prefix: str, others: Sequence[str] = ("",)) -> str:
    """The checkpoint's name: the canonical one, or with another prefix (a base model was saved without its head)."""
    for other in (prefix, *others):
        name = canonical.replace(prefix, other, 1) if canonical.startswith(prefix) else canonical
        if name in source.names:
            return name
    return canonical


def unmatched(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The names that match none of the shell patterns."""
    return [name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
