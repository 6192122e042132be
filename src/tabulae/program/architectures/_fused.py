"""Linears that a source keeps as one: which of its rows belong to each, and in which order."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.architectures._config import sizes_of
from tabulae.program.architectures._names import Stored

Sizes = Callable[[Any], Sequence[int]]  # of a configuration


def parts(names: Sequence[str], stored: str, lengths: Sizes, transposed: bool = False) -> dict[str, Stored]:
    """The linears ``names`` that lie one after another in ``stored``, as long as ``lengths`` says.

    >>> found = parts(("q", "k", "v"), "attn_qkv", lambda config: (4, 2, 2))
    >>> [found[name].rows(None).tolist() for name in "qkv"]
    [[0, 1, 2, 3], [4, 5], [6, 7]]
    """

    def rows(index: int) -> Callable[[Any], Int64s]:
        return lambda config: np.arange(lengths(config)[index]) + sum(lengths(config)[:index])

    return {name: Stored(stored, transposed=transposed, rows=rows(index)) for index, name in enumerate(names)}


def qkv_lengths(config: Any) -> tuple[int, int, int]:
    """Rows of queries, keys and values."""
    sizes = sizes_of(config)
    kv = sizes.kv_heads * sizes.head
    return sizes.heads * sizes.head, kv, kv


def grouped(names: Sequence[str], stored: str) -> dict[str, Stored]:
    """Queries, keys and values that lie in ``stored`` as [queries.., key, value] for every key-value head."""

    def rows(part: int) -> Callable[[Any], Int64s]:
        def of(config: Any) -> Int64s:
            sizes = sizes_of(config)
            shared = sizes.heads // sizes.kv_heads
            groups = np.arange(sizes.kv_heads * (shared + 2) * sizes.head).reshape(sizes.kv_heads, -1, sizes.head)
            chosen = (slice(shared), slice(shared, shared + 1), slice(shared + 1, None))[part]
            return groups[:, chosen].reshape(-1)

        return of

    return {name: Stored(stored, rows=rows(part)) for part, name in enumerate(names)}


def interleaved(name: str, heads: str) -> Stored:
    """Rotated pairs lie side by side: rows 2i and 2i + 1 of one of so many ``heads`` are i and i + head / 2."""

    def rows(config: Any) -> Int64s:
        """For each canonical row, the stored one: [heads, pairs, 2] -> [heads, 2, pairs]."""
        count, head = getattr(sizes_of(config), heads), sizes_of(config).head
        return np.arange(count * head).reshape(count, head // 2, 2).swapaxes(1, 2).reshape(-1)

    return Stored(name, rows=rows)
