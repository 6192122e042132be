"""What an architecture module declares, and what all of them share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.errors import ModelError
from tabulae.program.architectures._keys import Harmless, Neutral, check_keys, recorded
from tabulae.program.architectures._origin import Origin, Source, unmatched
from tabulae.program.consistency import check_program
from tabulae.program.operations import Program
from tabulae.program.shapes import check_shapes

HEAD = "lm_head.weight"


@dataclass(frozen=True)
class Architecture:
    """One family of decoders; C is its own configuration record."""

    model_types: tuple[str, ...]  # GGUF's general.architecture and Hugging Face's model_type
    read: Callable[[Source], Any]  # Source -> C; ModelError where a key is missing or means something we do not do
    program: Callable[[Any], Program]  # C -> Program: only composes operations
    origin: Callable[[Source, Any, str], Origin]  # (Source, C, canonical name) -> Origin, without looking at shapes
    ignored: tuple[str, ...] = ()  # shell patterns of source tensors that carry nothing the program needs
    harmless: Harmless = field(default_factory=dict)  # keys that ``read`` does not read, beside those of all models
    neutral: Neutral = field(default_factory=dict)

    def config(self, source: Source, ignore_keys: Collection[str] = ()) -> Any:
        """C of a trained model, whose every key is read, known to change nothing, or among ``ignore_keys``.

        :raises ModelError: a key is missing, means something that is not computed, or is unknown
        :raises UsageError: a key to ignore is not there
        """
        meta = recorded(source.metadata, ignore_keys)
        config = self.read(_Configured(source, meta))
        prefix = f"{meta['general.architecture']}." if source.kind == "gguf" else ""
        check_keys(meta, source.kind, prefix, self.harmless, self.neutral)
        return config

    def tensors(self, source: Source, config: Any) -> dict[str, Origin]:
        """Canonical name -> origin of every weight of the program, in the order of first use.

        :raises ModelError: the source lacks a tensor, has one too many, or one of the wrong shape
        """
        program = self.program(config)
        check_program(program)
        origins = {name: self.origin(source, config, name) for name in program.weights()}
        used = {origin.name for origin in origins.values()}
        missing = sorted(used - set(source.names))
        untied = (
            "where the head is the embedding, config.json says so: tie_word_embeddings" if missing == [HEAD] else ""
        )
        _none_of(missing, "every tensor of the architecture must be there", "missing", untied)
        extra = unmatched([name for name in source.names if name not in used], self.ignored)
        _none_of(extra, "every tensor must be known to the architecture", "unknown")
        _check_rows(source, list(origins.values()))
        shapes = {name: origin.canonical_shape(source.shape(origin.name)) for name, origin in origins.items()}
        check_shapes(program, shapes)
        return {name: replace(origin, shape=shapes[name]) for name, origin in origins.items()}


@dataclass(frozen=True)
class _Configured:
    """A source with another configuration."""

    source: Source
    metadata: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return self.source.kind

    @property
    def names(self) -> tuple[str, ...]:
        return self.source.names

    def shape(self, name: str) -> tuple[int, ...]:
        return self.source.shape(name)

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        return self.source.read(name, rows)


def _check_rows(source: Source, origins: Sequence[Origin]) -> None:
    """Tensors of which rows are taken must be taken whole: every row once."""
    taken: dict[str, list[Int64s]] = {}
    for origin in origins:
        if origin.rows is not None:
            taken.setdefault(origin.name, []).append(origin.rows)
    for origin in origins:
        if origin.name in taken:
            shape = source.shape(origin.name)
            have, rows = shape[-1 if origin.transposed else 0], np.sort(np.concatenate(taken[origin.name]))
            if not np.array_equal(rows, np.arange(have)):
                raise ModelError(origin.name, f"the configuration must fit its {have} rows", f"{len(rows)} are used")


def _none_of(names: Sequence[str], must: str, word: str, hint: str = "") -> None:
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise ModelError("tensors", must, f"{word}: {', '.join(names[:5])}{more}", hint)
