"""Attention of the reference interpreter: the cache of one layer, and causal grouped-query attention over it."""

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Int64s
from tabulae.arithmetic.polynomials import exp
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.program.operations import Attention


class Cache:
    """Keys and values of one layer by position, float32 [positions, kv_heads * head]."""

    def __init__(self) -> None:
        self.k = self.v = np.empty((0, 0), np.float32)

    def put(self, start: int, k: Float32s, v: Float32s) -> None:
        """Store k and v from position ``start`` on; what stood there or behind is forgotten."""
        self.k = np.concatenate([self.k[:start], k]) if start else k
        self.v = np.concatenate([self.v[:start], v]) if start else v


def attend(op: Attention, q: Float32s, positions: Int64s, cache: Cache, slopes: Float32s | None) -> Float32s:
    """q [n, heads * head] at ``positions`` over the cache -> [n, heads * head].

    ``score = lanes_sum(q k) * scale (+ slope * (position of k - position of q))``, ``e = exp(score - max)``,
    ``out = sum of e v in the order of positions, from +0 / lanes_sum(e)``, the lane being position mod 16. Positions
    that are not seen have e = +0, which changes no sum.
    """
    n, keys = len(q), len(cache.k)
    shared = op.heads // op.kv_heads
    q = q.reshape(n, op.kv_heads, shared, op.head)
    k = cache.k.reshape(keys, op.kv_heads, 1, op.head)
    v = cache.v.reshape(keys, op.kv_heads, 1, op.head)
    scores = np.stack([lanes_sum(q * k[j]) for j in range(keys)], axis=-1) * np.float32(op.scale)
    distance = np.arange(keys) - positions[:, None]  # [n, keys], 0 for the position itself
    if slopes is not None:
        slope = slopes.reshape(op.kv_heads, shared, 1)
        scores = scores + slope * distance.astype(np.float32)[:, None, None]
    scores = np.where(_seen(distance, op.window)[:, None, None], scores, np.float32(-np.inf))
    e = exp(scores - scores.max(axis=-1, keepdims=True))  # [n, kv_heads, shared, keys]
    out = np.zeros(q.shape, np.float32)
    for j in range(keys):
        out += e[..., j, None] * v[j]
    return (out / lanes_sum(e)[..., None]).reshape(n, -1)


def _seen(distance: Int64s, window: int | None) -> Bools:
    """Which keys a query sees: none behind it, and with a window only the last ones, itself counted."""
    return (distance <= 0) & (window is None or distance > -window)
