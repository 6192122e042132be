"""Layer norm (Ba, Kiros and Hinton 2016)."""

from collections.abc import Iterator, Mapping

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out, Shape, Vector
from tabulae.program.passes import Bases, Carry
from tabulae.program.value import Value


class LayerNorm(Operation, frozen=True, tag="layer_norm"):
    """``(x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias``."""

    weight: Vector
    bias: Vector | None
    input: In
    out: Out
    eps: float

    def check(self, at: Check) -> None:
        at.one_shape(self)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        yield from ((name, (at.width(self.input),)) for name in self.names("vector"))

    def run(self, at: Env) -> None:
        x, weight = at.values[self.input], at.vector(self.weight)
        at.values[self.out] = layer_norm(x, weight, at.optional(self.bias), self.eps)

    def bases(self, at: Bases) -> None:
        if at.by_order and at.is_whole(self.weight, self.input):
            at.join([self.input, self.out], *((name, "rows") for name in self.names("vector")))
        else:
            at.forbid(f"{self.weight} belongs to a layer norm, which subtracts the mean")

    def carries(self, values: Mapping[str, Value]) -> Carry:
        columns = np.arange(values[self.input].width)
        return Carry("norm", self.out, columns, vectors=self.names("vector"))


def layer_norm(x: Float32s, weight: Float32s, bias: Float32s | None, eps: float) -> Float32s:
    """``(c / sqrt(sum(c c) / n + eps)) * weight (+ bias)`` with ``c = x - sum(x) / n``."""
    n = np.float32(len(weight))
    centred = x - lanes_sum(x)[:, None] / n
    variance = lanes_sum(centred * centred)[:, None] / n
    y: Float32s = (centred / np.sqrt(variance + np.float32(eps))) * weight
    return y if bias is None else y + bias
