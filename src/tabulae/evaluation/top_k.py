"""The most probable tokens of every position: all that a stored reference keeps of a distribution."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s

K = 128


@dataclass(frozen=True, eq=False)
class TopK:
    """The k most probable tokens of n positions, best first, the lower id first among equals."""

    ids: npt.NDArray[np.uint32]  # [n, k]
    log_probs: Float32s  # [n, k], natural logarithms

    @classmethod
    def of(cls, logits: Float32s, normaliser: Float64s, k: int = K) -> Self:
        """From logits [n, vocabulary] and their :func:`~tabulae.evaluation.kl.normaliser` [n].

        A vocabulary smaller than k is taken whole.

        >>> top = TopK.of(np.log(np.float32([[0.125, 0.5, 0.25, 0.125]])), np.float64([0]), k=3)
        >>> top.ids.tolist(), np.exp(top.log_probs).round(6).tolist()
        ([[1, 2, 0]], [[0.5, 0.25, 0.125]])
        """
        k = min(k, logits.shape[1])
        least = np.partition(logits, -k, axis=1)[:, -k]  # k-th largest [n]
        ids = np.stack([_best(row, bound, k) for row, bound in zip(logits, least, strict=True)])
        log_probs = np.take_along_axis(logits, ids, axis=1) - normaliser[:, None]  # float64
        return cls(ids.astype(np.uint32), np.minimum(log_probs, 0).astype(np.float32))


def _best(row: Float32s, least: np.float32, k: int) -> Int64s:
    """The ids of the k largest: those above ``least``, and the lowest ids of those equal to it."""
    candidates = np.flatnonzero(row >= least)
    return candidates[np.argsort(-row[candidates], kind="stable")[:k]]
