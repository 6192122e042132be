"""Routers of mixtures of experts (Shazeer et al. 2017; Fedus et al. 2021)."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.arithmetic.linear import float_linear
from tabulae.arithmetic.polynomials import exp
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out, Shape, Vector
from tabulae.program.value import Size


class Route(Operation, frozen=True, tag="route"):
    """Choose experts for every position: the ``shares`` of softmax(weight @ input) that are largest.

    Of equal ones the lowest expert is chosen. ``chosen`` and ``shares`` [positions, top] are in the order of experts,
    and that is the order of all later sums. The router is float32: an error in it moves whole tokens.
    """

    weight: Vector  # [experts, width]
    input: In
    chosen: Out  # integers
    shares: Out
    top: Size
    normalise: bool = False  # shares of those chosen are divided by their sum
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0  # of shares, at the end

    def check(self, at: Check) -> None:
        at.one_axis(self)
        low, high = at.integers(self.chosen)
        at.must(low == 0, "experts must begin at 0", low)
        at.must(self.top <= high + 1, f"at most {high + 1} experts can be chosen", self.top)
        widths = [at.width(name) for name in (self.chosen, self.shares)]
        at.must(widths == [self.top] * 2, f"there must be {self.top} choices, a share each", widths)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        _, high = at.integers(self.chosen)
        yield self.weight, (high + 1, at.width(self.input))

    def run(self, at: Env) -> None:
        scores = float_linear(at.vector(self.weight), at.values[self.input])
        chosen, shares = routed(scores, self.top, self.normalise)
        at.values[self.chosen] = chosen
        at.values[self.shares] = shares if self.scale == 1 else shares * np.float32(self.scale)


def routed(scores: Float32s, top: int, normalise: bool) -> tuple[Int64s, Float32s]:
    """Experts [n, top], ascending, and their shares, of ``scores`` [n, experts].

    ``e = exp(score - max)``, ``share = e / lanes_sum(e)``; normalised, over their sum in the order of experts.

    >>> routed(np.float32([[0, 1, 1, -1]]), 2, True)
    (array([[1, 2]]), array([[0.5, 0.5]], dtype=float32))
    """
    e = exp(scores - scores.max(axis=1, keepdims=True))
    shares = e / lanes_sum(e)[:, None]
    chosen = np.sort(np.argsort(-shares, axis=1, kind="stable")[:, :top], axis=1)
    shares = np.take_along_axis(shares, chosen, axis=1)
    if normalise:
        total = np.zeros((len(shares), 1), np.float32)
        for slot in range(top):
            total += shares[:, slot, None]
        shares = shares / total
    return chosen, shares
