"""Text cut into windows: what a model is shown, and which of its predictions count.

The protocol: 40 windows of 512 tokens from the start of the text. Where the tokenizer puts a BOS in front of a text,
one takes the place of the first token of every window. The logits at positions 256..510 are scored, 255 per window:
they predict tokens 257..511 and have seen at least 256 before them. So does llama.cpp's llama-perplexity.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import xxhash

from tabulae.arithmetic.arrays import Float32s, Int32s
from tabulae.errors import ModelError, UsageError
from tabulae.evaluation.kl import near_kl, normaliser
from tabulae.evaluation.task import Divergence, Model
from tabulae.text.tokenizer import Tokenizer

COUNT, LENGTH, FIRST = 40, 512, 256


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of equal length, a :class:`tabulae.evaluation.task.Task`.

    The logits at positions ``first`` .. ``length - 2`` are scored.
    """

    tokens: Int32s  # [windows, length]
    first: int

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def length(self) -> int:
        """Tokens per window, BOS included."""
        return int(self.tokens.shape[1])

    @property
    def scored(self) -> int:
        """Scored positions per window."""
        return self.length - 1 - self.first

    def inputs(self, window: int) -> list[int]:
        """The tokens to feed: all but the last, which is only predicted."""
        ids: list[int] = self.tokens[window, :-1].tolist()
        return ids

    def given(self, window: int) -> tuple[str, Int32s]:
        """The tokens to feed as the graph takes them, [length - 1, 1]."""
        return "tokens", self.tokens[window, :-1, None]

    def run(self, model: Model, window: int, first: int | None = None) -> Float32s:
        """The logits at positions ``first`` (default: the scored ones) .. ``length - 2`` of one window.

        :raises ModelError: a model that gives anything else than one row per position
        """
        first = self.first if first is None else first
        logits, rows = model.logits(self.inputs(window), first), self.length - 1 - first
        if logits.ndim != 2 or len(logits) != rows or logits.dtype != np.float32:
            must = f"they must be float32 [{rows}, vocabulary]"
            raise ModelError("logits", must, f"{logits.dtype} {list(logits.shape)}")
        return logits

    def divergence(self, reference: Float32s) -> Divergence:
        """KL over the whole vocabulary, in nats, from logits that are near to these."""
        probabilities = np.exp(reference - normaliser(reference)[:, None]).astype(np.float32)
        return lambda candidate: near_kl(reference, probabilities, candidate)

    def targets(self, window: int, first: int | None = None) -> Int32s:
        """The tokens that the logits at positions ``first`` (default: the scored ones) .. ``length - 2`` predict."""
        return self.tokens[window, 1 + (self.first if first is None else first) :]

    @cached_property
    def fingerprint(self) -> str:
        """xxh3-128 of the tokens and of what is scored: equal for equal measurements."""
        shape = np.array([*self.tokens.shape, self.first], "<i8")
        return xxhash.xxh3_128_hexdigest(shape.tobytes() + self.tokens.astype("<i4").tobytes())


def cut(
    tokens: npt.ArrayLike, bos: int | None, *, count: int = COUNT, length: int = LENGTH, first: int = FIRST
) -> Windows:
    """At most ``count`` windows from the start of ``tokens``, a text without BOS; what does not fill a window is left.

    With ``bos`` the text gets one in front, and BOS stands in place of the first token of every window.

    :raises UsageError: a text shorter than one window, or sizes that leave nothing to score

    >>> windows = cut(range(10, 19), bos=1, count=2, length=5, first=2)
    >>> windows.tokens.tolist(), windows.scored
    ([[1, 10, 11, 12, 13], [1, 15, 16, 17, 18]], 2)
    >>> windows.inputs(0), windows.targets(0).tolist()
    ([1, 10, 11, 12], [12, 13])
    """
    if count < 1 or length < 2 or not 0 <= first <= length - 2:
        must = "at least one window, and at least one scored position 'first' in 0..length - 2"
        raise UsageError("windows", must, f"count {count}, length {length}, first {first}")
    text = np.asarray(tokens, np.int32).reshape(-1)
    whole = text if bos is None else np.insert(text, 0, bos)
    count = min(count, len(whole) // length)
    if not count:
        must = f"the text must fill one window of {length - len(whole) + len(text)} tokens"
        raise UsageError("text", must, f"{len(text)} tokens", "give a longer text")
    cells = whole[: count * length].reshape(count, length).copy()
    if bos is not None:
        cells[:, 0] = bos
    return Windows(cells, first)


def cut_text(
    text: str, tokenizer: Tokenizer, *, count: int = COUNT, length: int = LENGTH, first: int = FIRST
) -> Windows:
    """:func:`cut` for text; with BOS where the tokenizer adds one."""
    bos = tokenizer.data.bos if tokenizer.data.add_bos else None
    return cut(tokenizer.encode(text, bos=False), bos, count=count, length=length, first=first)
