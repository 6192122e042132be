"""The problem that planning solves: one option for every tensor, at the least cost within limits on sums of weights.

A *multiple-choice knapsack*: the cost is the predicted loss and the weights are bytes, or the other way round. Its
items are inputs: tensors that multiply the same input (query, key, value) must ask the same of it, its rotation and its
exponents. That is one choice for all of them, a *side*; on it each tensor chooses for itself.

>>> problem = Problem.of([[(3.0, 1), (1.0, 2)], [(5.0, 1), (0.0, 4)]], limits=[4])
>>> problem.total(problem.costs, np.array([1, 0])), problem.totals(np.array([1, 0]))
(6.0, array([3.]))
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import TypeVar

import numpy as np

from tabulae.arithmetic.arrays import Float64s, Int64s

Choice = Int64s  # [n], the option of every tensor


@dataclass(frozen=True, eq=False)
class Problem:
    """n tensors with at most k options each; a tensor with fewer repeats its last one."""

    costs: Float64s  # [n, k]
    weights: Float64s  # [c, n, k], one plane per limit
    limits: Float64s  # [c]
    inputs: Int64s  # [n], the input of every tensor
    sides: Int64s  # [n, k], what an option asks of the input; every tensor of an input has all sides of it

    @classmethod
    def of(
        cls,
        options: Sequence[Sequence[tuple[float, ...]]],
        limits: Sequence[float],
        inputs: Sequence[int] | None = None,
        sides: Sequence[Sequence[int]] | None = None,
    ) -> "Problem":
        """From (cost, weight per limit, ...) of every option of every tensor; if none are given, each has an input."""
        most = max((len(one) for one in options), default=1)
        planes = np.array(_padded(options, most), np.float64).reshape(len(options), most, 1 + len(limits))
        asked = np.array(_padded(sides or [[0] * len(one) for one in options], most), np.int64).reshape(-1, most)
        owners = np.arange(len(options)) if inputs is None else np.array(inputs, np.int64)
        weights = np.ascontiguousarray(planes[..., 1:].transpose(2, 0, 1))
        return cls(planes[..., 0], weights, np.array(limits, float), owners, asked)

    def total(self, values: Float64s, choice: Choice) -> float:
        """The sum of one value [n, k] over the chosen options, rounded once: the same in any order."""
        return fsum(values[np.arange(len(choice)), choice])

    def totals(self, choice: Choice) -> Float64s:
        """The weights [c] of a choice."""
        return np.array([self.total(plane, choice) for plane in self.weights])

    def fits(self, choice: Choice) -> bool:
        """Whether a choice keeps to every limit."""
        return bool((self.totals(choice) <= self.limits).all())

    def least(self, first: Float64s, then: Float64s, within: float = 0.0) -> Choice:
        """The choice with the least ``first`` [n, k], or ``within`` more of it, and of these the least ``then`` [n, k].

        On each side every tensor chooses for itself, and every input takes the side on which its tensors have least.
        """
        rows = np.arange(len(first))
        choices = [self._least(side, first, then, within) for side in range(int(self.sides.max(initial=0)) + 1)]
        firsts, thens = (np.array([self._by_input(x, choice) for choice in choices]) for x in (first, then))
        side = np.where(firsts <= firsts.min(axis=0) + within, thens, np.inf).argmin(axis=0)  # [inputs]
        picked: Choice = np.array(choices)[side[self.inputs], rows]
        return picked

    def _least(self, side: int, first: Float64s, then: Float64s, within: float) -> Choice:
        """The choice on one side, -1 of tensors that do not have it."""
        there = self.sides == side
        tied = there & (first <= np.where(there, first, np.inf).min(axis=1, keepdims=True) + within)
        choice: Choice = np.where(there.any(axis=1), np.where(tied, then, np.inf).argmin(axis=1), -1)
        return choice

    def _by_input(self, values: Float64s, choice: Choice) -> Float64s:
        """The sum of one value [n, k] over the tensors of every input; infinite where a tensor has no choice."""
        of_tensors = np.where(choice < 0, np.inf, values[np.arange(len(choice)), choice])
        sums: Float64s = np.bincount(self.inputs, of_tensors).astype(np.float64)  # of nothing: integers
        return sums

    def asked(self, choice: Choice) -> Int64s:
        """The side of every tensor [n] in a choice."""
        return self.sides[np.arange(len(choice)), choice]

    def on_sides_of(self, choice: Choice) -> "Problem":
        """The problem with the sides of a choice: options on others become the chosen one."""
        rows, other = np.arange(len(choice)), self.sides != self.asked(choice)[:, None]
        if not other.any():
            return self
        costs, weights = (np.where(other, x[..., rows, choice][..., None], x) for x in (self.costs, self.weights))
        return replace(self, costs=costs, weights=weights, sides=np.zeros_like(self.sides))

    def combined(self, prices: Float64s) -> Float64s:
        """The weights [n, k] of all limits as one, at so much a unit."""
        combined: Float64s = np.tensordot(prices, self.weights, axes=1)
        return combined


T = TypeVar("T")


def _padded(options: Sequence[Sequence[T]], most: int) -> list[list[T]]:
    return [[*one, *[one[-1]] * (most - len(one))] for one in options]
