"""Causal grouped-query attention (Vaswani et al. 2017; Ainslie et al. 2023)."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Int64s
from tabulae.arithmetic.polynomials import exp
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Kept, Operation, Out, Shape, Vector
from tabulae.program.ops.soft_cap import soft_cap
from tabulae.program.passes import Carry
from tabulae.program.value import Size, State, Value


class Attention(Operation, frozen=True, tag="attention"):
    """Attention over all positions that the states hold; ``window`` counts the position itself."""

    q: In  # [heads * head]
    k: In  # [kv_heads * head]
    v: In
    out: Out
    keys: Kept  # what k and v were at every position
    values: Kept
    heads: Size
    kv_heads: Size
    head: Size
    scale: float
    window: Size | None = None
    slopes: Vector | None = None  # ALiBi: a stored float32 tensor [heads]
    cap: Annotated[float, msgspec.Meta(gt=0)] | None = None  # of scores (Gemma 2); not beside slopes

    def check(self, at: Check) -> None:
        at.all_positions(self)
        sizes = (self.heads, self.kv_heads, self.head, 1 if self.window is None else self.window)
        at.must(min(sizes) > 0 and self.heads % self.kv_heads == 0, "heads, columns and window must fit", sizes)
        capped = self.cap is None or (self.cap > 0 and self.slopes is None)
        at.must(capped, "a cap must be positive, and without slopes", self.cap)
        q, kv = self.heads * self.head, self.kv_heads * self.head
        widths = [at.width(name) for name in (self.q, self.k, self.v, self.out)]
        at.must(widths == [q, kv, kv, q], f"q, k, v and out must have {q}, {kv}, {kv}, {q} columns", widths)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        yield from ((name, (self.heads,)) for name in self.names("vector"))

    def keeps(self) -> Iterator[tuple[str, State]]:
        yield from ((name, State((self.kv_heads, self.head))) for name in self.names("state"))

    def run(self, at: Env) -> None:
        keys, values = (at.remember(state, at.values[x]) for state, x in ((self.keys, self.k), (self.values, self.v)))
        at.values[self.out] = self.attend(at.values[self.q], at.positions, keys, values, at.optional(self.slopes))

    def attend(
        self, q: Float32s, positions: Int64s, keys: Float32s, values: Float32s, slopes: Float32s | None
    ) -> Float32s:
        """q [n, heads * head] at ``positions`` over keys and values [seen, kv_heads * head] -> [n, heads * head].

        ``score = lanes_sum(q k) * scale``, with a cap ``cap * tanh(score / cap)``, with slopes ``+ slope * (position of
        k - position of q)``; ``e = exp(score - max)``, ``out = sum of e v in the order of positions, from +0 /
        lanes_sum(e)``, the lane being position mod 16.
        Positions that are not seen have e = +0, which changes no sum.
        """
        n, seen, shared = len(q), len(keys), self.heads // self.kv_heads
        q = q.reshape(n, self.kv_heads, shared, self.head)
        k, v = (x.reshape(seen, self.kv_heads, 1, self.head) for x in (keys, values))
        scores = np.stack([lanes_sum(q * k[j]) for j in range(seen)], axis=-1) * np.float32(self.scale)
        scores = scores if self.cap is None else soft_cap(scores, self.cap)
        distance = np.arange(seen) - positions[:, None]  # [n, seen], 0 for the position itself
        if slopes is not None:
            slope = slopes.reshape(self.kv_heads, shared, 1)
            scores = scores + slope * distance.astype(np.float32)[:, None, None]
        scores = np.where(self._sees(distance)[:, None, None], scores, np.float32(-np.inf))
        e = exp(scores - scores.max(axis=-1, keepdims=True))  # [n, kv_heads, shared, seen]
        out = np.zeros(q.shape, np.float32)
        for j in range(seen):
            out += e[..., j, None] * v[j]
        return (out / lanes_sum(e)[..., None]).reshape(n, -1)

    def _sees(self, distance: Int64s) -> Bools:
        """Which keys a query sees: none behind it, and with a window only the last ones, itself counted."""
        return (distance <= 0) & (self.window is None or distance > -self.window)

    def carries(self, values: Mapping[str, Value]) -> Carry:
        """Values are added up channel by channel; query heads share those of their key-value head."""
        heads = np.arange(self.kv_heads * self.head).reshape(self.kv_heads, 1, self.head)
        columns = np.repeat(heads, self.heads // self.kv_heads, axis=1).reshape(-1)
        return Carry("values", self.out, columns, source=self.v)


def kept(layer: int) -> tuple[str, str]:
    """How the states of a layer are called: keys, values."""
    return f"{layer}.keys", f"{layer}.values"
