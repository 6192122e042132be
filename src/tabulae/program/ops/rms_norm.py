"""Root mean square norm (Zhang and Sennrich 2019)."""

from collections.abc import Iterator, Mapping

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import Divisor, In, Operation, Out, Shape, Vector
from tabulae.program.passes import Bases, Carry
from tabulae.program.value import Value


class RMSNorm(Operation, frozen=True, tag="rms_norm"):
    """Each run of ``len(weight)`` columns: ``x / sqrt(mean(x^2) + eps) * weight`` (per head: q, k norms)."""

    weight: Vector
    input: In
    out: Out
    eps: float

    def check(self, at: Check) -> None:
        at.one_shape(self)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        yield self.weight, (Divisor(at.width(self.input)),)

    def run(self, at: Env) -> None:
        at.values[self.out] = rms_norm(at.values[self.input], at.vector(self.weight), self.eps)

    def bases(self, at: Bases) -> None:
        whole = at.is_whole(self.weight, self.input)
        if whole and at.by_order:
            at.join([self.input, self.out], (self.weight, "rows"))
        elif whole and at.is_ones(self.weight):
            at.join([self.input, self.out])
        else:
            at.forbid(f"{self.weight} has gains of its own")

    def carries(self, values: Mapping[str, Value]) -> Carry:
        return Carry("norm", self.out, np.arange(values[self.input].width), vectors=(self.weight,))


def rms_norm(x: Float32s, weight: Float32s, eps: float) -> Float32s:
    """``(x / sqrt(sum(x x) / n + eps)) * weight`` for every run of ``n = len(weight)`` columns."""
    runs = x.reshape(len(x), -1, len(weight))
    mean = lanes_sum(runs * runs)[..., None] / np.float32(len(weight))
    y: Float32s = (runs / np.sqrt(mean + np.float32(eps))) * weight
    return y.reshape(x.shape)
