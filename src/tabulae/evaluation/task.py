"""What a model is asked, and how far two answers are apart.

Statistics of inputs and measured sensitivities know no more of a model's purpose. Windows of a text are the task of
language models (``windows.py``); perplexity and agreement are of windows alone.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s

Divergence = Callable[[Float32s], Float64s]  # answers [scored, ...] -> how far each is from the reference, in nats


class Model(Protocol):
    """A language model; :class:`tabulae.runtime.language_model.LanguageModel` is one."""

    def logits(self, tokens: Sequence[int], first: int = 0) -> Float32s:
        """Logits float32 [len(tokens) - first, vocabulary] of one sequence, from position ``first`` on."""
        ...


class Task(Protocol):
    """Examples, as many as its length."""

    @property
    def first(self) -> int:
        """The first position of an example whose answer is scored; all behind it are."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for equal measurements."""
        ...

    def __len__(self) -> int: ...

    def given(self, example: int) -> tuple[str, np.ndarray]:
        """The input of the graph for one example: its name, and rows [positions, width]."""
        ...

    def run(self, model: Model, example: int) -> Float32s:
        """What a model answers, [scored, ...]."""
        ...

    def divergence(self, reference: Float32s) -> Divergence:
        """How far other answers to the same example are from these."""
        ...
