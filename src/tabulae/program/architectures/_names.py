"""A source's names for canonical tensors, as data: patterns, prefixes, and the habits that are to be undone."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.architectures._origin import Origin

NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


@dataclass(frozen=True)
class Stored:
    """How a source keeps one canonical tensor: its name there, and what an :class:`Origin` has to undo.

    What depends on sizes is a function of the architecture's configuration.
    """

    name: str  # {} for each number of the canonical name, in order
    stacked: bool = False  # the last number counts the matrices of a stack (experts)
    transposed: bool = False
    rows: Callable[[Any], Int64s] | None = None  # which of its rows, in canonical order
    times: Callable[[Any], float] | None = None
    plus: float = 0.0

    def origin(self, name: str, config: Any, numbers: list[int]) -> Origin:
        """Of the tensor ``name`` with these numbers."""
        return Origin(
            name,
            numbers[-1] if self.stacked else None,
            self.transposed,
            self.rows and self.rows(config),
            self.times(config) if self.times else 1.0,
            self.plus,
        )


Patterns = Mapping[str, str | Stored]


@dataclass(frozen=True)
class Names:
    """A name map: canonical patterns to stored ones, and what a checkpoint may begin with in place of a prefix.

    A pattern is a whole name, or one without its last part (``weight``, ``bias``), with ``{}`` for numbers; what has no
    pattern is called as it is canonically.

    >>> names = Names({"model.layers.{}.mlp.up_proj": "blk.{}.ffn_up"}, {"model.": ("",)})
    >>> names.origin("model.layers.7.mlp.up_proj.weight", None).name
    'blk.7.ffn_up.weight'
    >>> names.origin("model.norm.weight", None, ("norm.weight",)).name
    'norm.weight'
    """

    stored: Patterns = field(default_factory=dict)
    prefixes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: Patterns = field(default_factory=dict)  # of sources that lack the tensor of a name's own pattern

    def origin(self, canonical: str, config: Any, present: Collection[str] = ()) -> Origin:
        """Where a tensor comes from, in a source that has the tensors ``present``."""
        numbers = [int(number) for number in NUMBER.findall(canonical)]
        pattern = NUMBER.sub("{}", canonical)
        found = _stored(self.stored, pattern)
        name = self._prefixed(found.name.format(*numbers), present)
        if name not in present and pattern in self.others:
            found = _stored(self.others, pattern)
            name = self._prefixed(found.name.format(*numbers), present)
        return found.origin(name, config, numbers)

    def _prefixed(self, name: str, present: Collection[str]) -> str:
        """A base model was saved without its head, or a whole one in which it is a part."""
        for prefix, others in self.prefixes.items():
            if name.startswith(prefix) and name not in present:
                spellings = (other + name.removeprefix(prefix) for other in others)
                return next((spelling for spelling in spellings if spelling in present), name)
        return name


def _stored(patterns: Patterns, pattern: str) -> Stored:
    stem, last = pattern.rsplit(".", 1)
    if pattern in patterns or stem not in patterns:
        found, last = patterns.get(pattern, pattern), ""
    else:
        found, last = patterns[stem], f".{last}"
    found = Stored(found) if isinstance(found, str) else found
    return replace(found, name=found.name + last)
