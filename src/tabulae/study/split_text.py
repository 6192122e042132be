"""A text in two parts: what choices are made on, and the windows at its end that judge them.

Importance, sensitivities and whatever else decides about a plan see the first part alone, so that nothing is ever
judged on text that it was chosen on.
"""

from typing import Final

import numpy as np

from tabulae import texts
from tabulae.arithmetic.arrays import Int32s
from tabulae.errors import UsageError
from tabulae.evaluation.windows import FIRST, LENGTH, Windows, cut
from tabulae.program.trained import Trained
from tabulae.text.tokenizer import Tokenizer

JUDGES: Final = 8  # windows at most
ALL: Final = 1 << 20  # windows: the whole text


def held_out(windows: int) -> int:
    """How many windows of a text are kept to judge on: at most eight, at most half of it, none if it were but one.

    >>> [held_out(windows) for windows in (1, 3, 4, 17, 100)]
    [0, 0, 2, 8, 8]
    """
    count = min(JUDGES, windows // 2)
    return count if count > 1 else 0


class SplitText:
    """The text (None: the one that comes with tabulae) in tokens of a model."""

    def __init__(self, model: Trained, text: str | None) -> None:
        """Windows are shorter than 512 tokens where the model's context is.

        :raises UsageError: a text shorter than a window, or a model without a tokenizer
        """
        vocabulary = model.vocabulary
        if vocabulary is None:
            hint = "--by data-free --no-verify needs none"
            raise UsageError("text", "the model must bring a tokenizer for it", "none", hint)
        tokens = Tokenizer(vocabulary).encode(texts.calibration() if text is None else text, bos=False)
        self._bos = vocabulary.bos if vocabulary.add_bos else None
        self._length = min(LENGTH, model.program.context)
        whole = self._cut(np.asarray(tokens, np.int32), ALL, self._length, FIRST)
        front = len(whole) - held_out(len(whole))
        self.judges = Windows(whole.tokens[front:], whole.first)  # there may be none
        self._front = np.asarray(tokens[: front * self._length - (self._bos is not None)], np.int32)

    def choosing(self, count: int = ALL, length: int = LENGTH, first: int = FIRST) -> Windows:
        """The first ``count`` windows of the first part."""
        return self._cut(self._front, count, min(length, self._length), first)

    def _cut(self, tokens: Int32s, count: int, length: int, first: int) -> Windows:
        return cut(tokens, self._bos, count=count, length=length, first=min(first, length // 2))
