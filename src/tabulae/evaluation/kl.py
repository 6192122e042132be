"""How far a distribution is from its reference, position by position, in nats.

``KL = sum_v p_v (ln p_v - ln q_v)`` with p the reference and q the candidate. All sums are float64, made for a few
positions at a time: logits of 255 positions and 49,152 tokens are 50 MB as float32, and nothing of that size is added.
"""

from collections.abc import Iterator

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Float64s, Int32s
from tabulae.errors import ModelError
from tabulae.evaluation.top_k import TopK

CHUNK = 1 << 20  # logits made float64 at once: 8 MB
TAIL = 1e-6  # the least probability of the tail bucket: below it, rounding decides


def normaliser(logits: Float32s) -> Float64s:
    """``ln sum_v exp(logit_v)``, float64 [n]: a logit minus it is a log-probability.

    :raises ModelError: logits that are NaN or infinite
    """
    out = np.empty(len(logits))
    for rows in _chunks(logits):
        x = logits[rows].astype(np.float64)
        largest = x.max(axis=1)
        if not np.isfinite(largest).all():
            raise ModelError("logits", "they must be finite", largest[~np.isfinite(largest)][0])
        out[rows] = largest + np.log(np.exp(x - largest[:, None]).sum(axis=1))
    return out


def full_kl(reference: Float32s, candidate: Float32s, p_norm: Float64s, q_norm: Float64s) -> Float64s:
    """KL over the whole vocabulary, float64 [n]; logits [n, vocabulary] with their normalisers [n].

    >>> p, q = np.log(np.float32([[0.5, 0.5]])), np.log(np.float32([[0.75, 0.25]]))
    >>> full_kl(p, q, normaliser(p), normaliser(q)).round(6).tolist()  # 0.5 ln(2/3) + 0.5 ln 2
    [0.143841]
    """
    out = np.empty(len(reference))
    for rows in _chunks(reference):
        log_p = reference[rows].astype(np.float64) - p_norm[rows, None]
        log_q = candidate[rows].astype(np.float64) - q_norm[rows, None]
        out[rows] = np.einsum("nv,nv->n", np.exp(log_p), log_p - log_q)
    return np.maximum(out, 0)  # never negative but for the last bits


def near_kl(reference: Float32s, probabilities: Float32s, candidate: Float32s) -> Float64s:
    """KL over the whole vocabulary of a candidate that is close, float64 [n], without its normaliser.

    ``ln sum_v p_v exp(d_v - m)`` with d the differences of the logits and ``m = sum_v p_v d_v`` is the same number as
    :func:`full_kl`. Nothing large cancels in it, so float32 and half the time are enough: 1e-9 + 1e-5 KL off.

    >>> p = np.float32([[0.5, 0.5]])
    >>> near_kl(np.log(p), p, np.log(np.float32([[0.75, 0.25]]))).round(6).tolist()
    [0.143841]
    """
    out = np.empty(len(reference))
    for rows in _chunks(reference):
        p, d = probabilities[rows], candidate[rows] - reference[rows]
        d -= np.einsum("nv,nv->n", p, d)[:, None]
        rest = np.einsum("nv,nv->n", p, d).astype(np.float64)  # of m, where p does not sum to 1 exactly
        out[rows] = np.log1p(np.einsum("nv,nv->n", p, np.expm1(d)).astype(np.float64)) - rest
    return np.maximum(out, 0)


def top_k_kl(reference: TopK, candidate: Float32s, q_norm: Float64s) -> Float64s:
    """KL over the reference's k best tokens and one bucket for all others, float64 [n].

    With P and Q the sums over those k of reference and candidate (Orr et al., arXiv 2505.12988):
    ``sum_k p (ln p - ln q) + max(1 - P, 1e-6) (ln max(1 - P, 1e-6) - ln max(1 - Q, 1e-6))``.
    At most the full KL, because tokens are only lumped together (1e-5 aside, from the bound 1e-6).
    """
    log_p = reference.log_probs.astype(np.float64)
    log_q = np.take_along_axis(candidate, reference.ids, axis=1) - q_norm[:, None]
    tail_p, tail_q = (np.maximum(1 - np.exp(x).sum(axis=1), TAIL) for x in (log_p, log_q))
    head: Float64s = (np.exp(log_p) * (log_p - log_q)).sum(axis=1)
    tail: Float64s = tail_p * (np.log(tail_p) - np.log(tail_q))
    return head + tail


def same_top(reference: TopK, candidate: Float32s) -> Bools:
    """Whether the candidate's most probable token is the reference's, [n]."""
    same: Bools = candidate.argmax(axis=1) == reference.ids[:, 0]
    return same


def surprise(logits: Float32s, targets: Int32s, norm: Float64s) -> Float64s:
    """``-ln p(target)``, float64 [n]: perplexity is the exponential of its mean."""
    chosen = np.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
    return np.subtract(norm, chosen, dtype=np.float64)


def _chunks(logits: Float32s) -> Iterator[slice]:
    step = max(1, CHUNK // logits.shape[1])
    for start in range(0, len(logits), step):
        yield slice(start, start + step)
