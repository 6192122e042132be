"""What an architecture module declares, and what all of them share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import ModelError
from tabulae.program.architectures._keys import Keys, recorded
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Origin, Source
from tabulae.program.graph import Decoder

HEAD = "lm_head.weight"


@dataclass(frozen=True)
class Reading:
    """How one kind of source tells of an architecture; C is the architecture's own configuration record."""

    kind: str
    families: tuple[str, ...]  # what sources of the kind call it
    read: Callable[[Source], Any]  # Source -> C; ModelError where a key is missing or means something we do not do
    names: Names
    ignored: tuple[str, ...]  # shell patterns of tensors that carry nothing the program needs
    keys: Keys  # that ``read`` does not read and that change nothing
    file: str  # where the keys stand, for messages
    prefix: str = ""  # of the keys that are the architecture's business


@dataclass(frozen=True)
class Architecture:
    """One family of decoders, and every kind of source that has it."""

    program: Callable[[Any], Decoder]  # C -> Decoder: only composes operations
    readings: tuple[Reading, ...]

    def reading(self, source: Source) -> Reading | None:
        """How a source of this family is read; None where it is of another."""
        fitting = (r for r in self.readings if source.kind == r.kind and source.family in r.families)
        return next(fitting, None)

    def config(self, source: Source, ignore_keys: Collection[str] = ()) -> Any:
        """C of a trained model, whose every key is read, known to change nothing, or among ``ignore_keys``.

        :raises ModelError: a key is missing, means something that is not computed, or is unknown
        :raises UsageError: a key to ignore is not there
        """
        reading, meta = self._own(source), recorded(source.metadata, ignore_keys)
        config = reading.read(_Configured(source, meta))
        reading.keys.check(meta, reading.file, reading.prefix)
        return config

    def tensors(self, source: Source, config: Any) -> dict[str, Origin]:
        """Canonical name -> origin of every weight of the program, in the order of first use.

        :raises ModelError: the source lacks a tensor, has one too many, or one of the wrong shape
        """
        reading, program, present = self._own(source), self.program(config), frozenset(source.names)
        program.check()
        origins = {name: reading.names.origin(name, config, present) for name in program.weights()}
        _check_names(source, {origin.name for origin in origins.values()}, reading.ignored)
        _check_rows(source, list(origins.values()))
        shapes = {name: origin.canonical_shape(source.shape(origin.name)) for name, origin in origins.items()}
        program.check_shapes(shapes)
        return {name: replace(origin, shape=shapes[name]) for name, origin in origins.items()}

    def _own(self, source: Source) -> Reading:
        reading = self.reading(source)
        assert reading is not None, f"{source.family} is none of {self.readings}"
        return reading


@dataclass(frozen=True)
class _Configured:
    """A source with another configuration."""

    source: Source
    metadata: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return self.source.kind

    @property
    def family(self) -> Any:
        return self.source.family

    @property
    def names(self) -> tuple[str, ...]:
        return self.source.names

    def shape(self, name: str) -> tuple[int, ...]:
        return self.source.shape(name)

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        return self.source.read(name, rows)


def _check_names(source: Source, used: Collection[str], ignored: Sequence[str]) -> None:
    """Every tensor that is used must be there, and every one that is there used, or known to carry nothing."""
    missing = sorted(set(used) - set(source.names))
    untied = "where the head is the embedding, config.json says so: tie_word_embeddings" if missing == [HEAD] else ""
    _none_of(missing, "every tensor of the architecture must be there", "missing", untied)
    left = [name for name in source.names if name not in used]
    extra = [name for name in left if not any(fnmatchcase(name, pattern) for pattern in ignored)]
    _none_of(extra, "every tensor must be known to the architecture", "unknown")


def _check_rows(source: Source, origins: Sequence[Origin]) -> None:
    """Tensors of which parts are taken must be taken whole: every row once."""
    parts: dict[str, list[Origin]] = {}
    for origin in origins:
        if origin.is_part:
            parts.setdefault(origin.name, []).append(origin)
    for name, taken in parts.items():
        shape = source.shape(name)
        if any(len(shape) != 3 for origin in taken if origin.index is not None):
            raise ModelError(name, "it must be a stack of matrices", " x ".join(map(str, shape)))
        have, used = taken[0].count(shape), np.concatenate([origin.cells(shape) for origin in taken])
        if not np.array_equal(np.sort(used), np.arange(have)):
            left = np.setdiff1d(np.arange(have), used)
            got = f"{len(left)} that are not, the first {left[0]}" if len(left) else f"{len(used)} that are wanted"
            raise ModelError(name, f"the configuration must use each of its {have} rows once", got)


def _none_of(names: Sequence[str], must: str, word: str, hint: str = "") -> None:
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise ModelError("tensors", must, f"{word}: {', '.join(names[:5])}{more}", hint)
