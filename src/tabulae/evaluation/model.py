"""What evaluation needs of a model: logits, nothing else."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import ModelError
from tabulae.evaluation.windows import Windows

Progress = Callable[[int, int], object]  # windows done, windows in all


class Model(Protocol):
    """A language model; :class:`tabulae.runtime.language_model.LanguageModel` is one."""

    def logits(self, tokens: Sequence[int], first: int = 0) -> Float32s:
        """Logits float32 [len(tokens) - first, vocabulary] of one sequence, from position ``first`` on."""
        ...


def window_logits(model: Model, windows: Windows, window: int, first: int) -> Float32s:
    """The logits at positions ``first`` .. ``length - 2`` of one window.

    :raises ModelError: a model that gives anything else than one row per position
    """
    logits = model.logits(windows.inputs(window), first)
    rows = windows.length - 1 - first
    if logits.ndim != 2 or len(logits) != rows or logits.dtype != np.float32:
        must = f"they must be float32 [{rows}, vocabulary]"
        raise ModelError("logits", must, f"{logits.dtype} {list(logits.shape)}")
    return logits


def silent(done: int, count: int) -> None:
    """The progress callback that shows nothing."""
