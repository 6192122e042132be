"""Tiny models with known distributions."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tabulae.evaluation import Windows, cut


class Bigram:
    """Logits [vocabulary, vocabulary] for what follows each token; counts its runs."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table.astype(np.float32)
        self.runs = 0

    def logits(self, tokens: Sequence[int], first: int = 0) -> np.ndarray:
        self.runs += 1
        return self.table[np.asarray(tokens)[first:]]


@pytest.fixture
def bigram() -> Callable[..., Bigram]:
    """Of random logits: the same base for every seed, and noise of its own."""

    def make(noise: float = 0.0, seed: int = 1, vocabulary: int = 300) -> Bigram:
        table = np.random.default_rng(0).normal(0, 2, (vocabulary, vocabulary))
        return Bigram(table + noise * np.random.default_rng(seed).normal(0, 1, table.shape))

    return make


@pytest.fixture
def unigram() -> Callable[..., Bigram]:
    """The same probabilities after every token."""
    return lambda *probabilities: Bigram(np.tile(np.log(probabilities), (len(probabilities), 1)))


@pytest.fixture
def windows() -> Windows:
    """Three windows of 12 tokens, 5 of them scored."""
    return cut(np.random.default_rng(7).integers(0, 300, 35), bos=1, length=12, first=6)
