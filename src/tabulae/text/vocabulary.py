"""The vocabulary of a GGUF file, checked: its arrays must agree with each other."""

from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple, Self

from tabulae.errors import ModelError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
"""Token types (``tokenizer.ggml.token_type``); 5 is unused, 6 is one byte."""


class Vocabulary(NamedTuple):
    """Entry ``id`` of each list belongs to token ``id``."""

    tokens: list[str]
    types: list[int]
    scores: list[float] | None
    merges: list[tuple[str, str]] | None

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Read and check the arrays ``tokens``, ``token_type``, ``scores`` and ``merges``.

        >>> Vocabulary.from_fields({"tokenizer.ggml.tokens": ["a", "b", "ab"], "tokenizer.ggml.merges": ["a b"]})
        Vocabulary(tokens=['a', 'b', 'ab'], types=[1, 1, 1], scores=None, merges=[('a', 'b')])
        """
        tokens = _array(fields, "tokens", str)
        if not tokens:
            raise ModelError("tokenizer", "tokenizer.ggml.tokens must list the vocabulary", "nothing")
        if len(set(tokens)) != len(tokens):
            double = Counter(tokens).most_common(1)[0][0]
            raise ModelError("tokenizer", "the vocabulary's tokens must be distinct", f"{double!r} twice")
        merges = _array(fields, "merges", str)
        vocabulary = cls(
            tokens=tokens,
            types=_array(fields, "token_type", int) or [NORMAL] * len(tokens),
            scores=_array(fields, "scores", (int, float)),
            merges=None if merges is None else [_pair(merge) for merge in merges],
        )
        for name in ("types", "scores"):
            values = getattr(vocabulary, name)
            if values is not None and len(values) != len(tokens):
                got = f"{len(values):,} for {len(tokens):,} tokens"
                raise ModelError("tokenizer", f"the vocabulary must have as many {name} as tokens", got)
        if not all(map(isfinite, vocabulary.scores or ())):
            raise ModelError(
                "tokenizer", "tokenizer.ggml.scores must be finite: merges are ranked by them", "NaN or Inf"
            )
        return vocabulary


def _array(fields: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> list[Any] | None:
    values = fields.get(f"tokenizer.ggml.{name}")
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise ModelError("tokenizer", f"tokenizer.ggml.{name} must be an array of its type", type(values).__name__)
    return values


def _pair(merge: str) -> tuple[str, str]:
    """``"Ġ t"`` -> ``("Ġ", "t")``: the first space that can separate (a token may begin with a space)."""
    cut = merge.find(" ", 1)
    if cut < 0:
        raise ModelError("tokenizer", "a merge must be two tokens with a space between", repr(merge))
    return merge[:cut], merge[cut + 1 :]
