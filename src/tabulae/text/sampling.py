"""Choosing the next token: greedy, or drawn from the distribution after the usual cuts.

Definitions and order are those of ``transformers``: repetition penalty, temperature, top-k, top-p, min-p. One
difference: exactly k tokens survive top-k, the lower id winning a tie, so that top-k 1 is greedy.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.errors import UsageError

_Ids = npt.NDArray[np.intp]


class Sampler:
    """Chooses token ids; the same seed, logits and calls give the same ids. All arithmetic is float64 on one thread.

    * ``temperature``: logits are divided by it; 0 is greedy (the largest logit, the lowest id of equals).
    * ``top_k``: keep the k likeliest; 0 keeps all.
    * ``top_p``: keep the fewest likeliest that together reach this probability (Holtzman et al., arXiv:1904.09751).
    * ``min_p``: keep those at least this fraction as likely as the likeliest (Nguyen et al., arXiv:2407.01082).
    * ``repetition_penalty``: logits of tokens in the history are divided by it where positive, else multiplied
      (Keskar et al., arXiv:1909.05858); 1 does nothing.

    >>> Sampler().choose(np.array([0.0, 2.0, 2.0], dtype=np.float32), history=[])
    1
    >>> sampler = Sampler(temperature=0.8, top_p=0.9, seed=1)
    >>> [sampler.choose(np.array([0.0, 2.0, 2.0], dtype=np.float32), []) for _ in range(8)]
    [2, 2, 1, 2, 1, 1, 2, 1]
    """

    def __init__(
        self,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        seed: int = 0,
    ) -> None:
        _require(math.isfinite(temperature) and temperature >= 0, "temperature must be 0 (greedy) or more", temperature)
        _require(isinstance(top_k, int) and top_k >= 0, "top_k must be 0 (all) or a positive integer", top_k)
        _require(0 < top_p <= 1, "top_p must lie in (0, 1]", top_p)
        _require(0 <= min_p <= 1, "min_p must lie in [0, 1]", min_p)
        _require(
            0 < repetition_penalty < math.inf, "repetition_penalty must be positive, 1 for none", repetition_penalty
        )
        _require(isinstance(seed, int) and seed >= 0, "seed must be 0 or a positive integer", seed)
        self.temperature, self.top_k, self.top_p, self.min_p = temperature, top_k, top_p, min_p
        self.repetition_penalty, self.seed = repetition_penalty, seed
        self._random = np.random.default_rng(seed)

    def choose(self, logits: Float32s, history: Sequence[int]) -> int:
        """The next id from ``logits`` [vocabulary]; ``history`` holds the ids so far, the prompt's too.

        A logit of -inf never wins; NaN and +inf raise :class:`UsageError`.
        """
        scores = np.asarray(logits, dtype=np.float64)
        _require(scores.ndim == 1 and scores.size > 0, "logits must be one row", f"shape {scores.shape}")
        if self.repetition_penalty != 1:
            scores = _penalise(scores, history, self.repetition_penalty)
        best = int(np.argmax(scores))
        _require(math.isfinite(scores[best]), "logits must be finite", f"{scores[best]} at {best}")
        if self.temperature == 0:
            return best
        with np.errstate(over="ignore", under="ignore"):  # a tiny temperature: all but the best become impossible
            scores = (scores - scores[best]) / self.temperature
        return self._draw(scores)

    def _draw(self, scores: Float64s) -> int:
        """``scores`` are shifted so that the best is 0."""
        with np.errstate(under="ignore"):
            weights = np.exp(scores)
        ids = np.arange(weights.size)
        if 0 < self.top_k < weights.size:
            ids = _top_k(scores, self.top_k)
        if self.top_p < 1:
            ids = _top_p(scores, weights, ids, self.top_p)
        if self.min_p > 0:
            ids = ids[weights[ids] >= self.min_p]
        total = np.cumsum(weights[ids])
        drawn = np.searchsorted(total, self._random.random() * total[-1], side="right")
        # Rounding may reach the end: then the last id with any weight.
        return int(ids[min(drawn, np.searchsorted(total, total[-1]))])


def _penalise(scores: Float64s, history: Sequence[int], penalty: float) -> Float64s:
    seen = np.unique(np.asarray(history, dtype=np.int64))
    _require(
        seen.size == 0 or (seen[0] >= 0 and seen[-1] < scores.size), f"history must be ids 0..{scores.size - 1}", seen
    )
    scores = scores.copy()
    scores[seen] = np.where(scores[seen] < 0, scores[seen] * penalty, scores[seen] / penalty)
    return scores


def _top_k(scores: Float64s, k: int) -> _Ids:
    """The k best, ascending; of those equal to the last, the lowest ids."""
    least = np.partition(scores, scores.size - k)[scores.size - k]
    above = np.flatnonzero(scores > least)
    equal = np.flatnonzero(scores == least)[: k - above.size]
    return np.sort(np.concatenate([above, equal]))


def _top_p(scores: Float64s, weights: Float64s, ids: _Ids, p: float) -> _Ids:
    """The fewest likeliest ids whose weights reach p of all, ascending."""
    total = weights[ids].sum()
    # Ids below (1 - p) / n of the total cannot reach 1 - p together, so they are never kept: fewer to sort.
    likely = ids[weights[ids] * ids.size >= (1 - p) * total]
    order = likely[np.argsort(-scores[likely], kind="stable")]  # scores differ where weights no longer do
    before = np.cumsum(weights[order]) - weights[order]
    return np.sort(order[before < p * total])


def _require(holds: bool, must: str, got: object) -> None:
    if not holds:
        raise UsageError("sampling", must, got)
