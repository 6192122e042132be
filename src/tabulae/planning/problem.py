"""The problem that planning solves: one option for every tensor, at the least cost within limits on sums of weights.

A *multiple-choice knapsack*: the cost is the predicted loss and the weights are bytes, or the other way round.

>>> problem = Problem.of([[(3.0, 1), (1.0, 2)], [(5.0, 1), (0.0, 4)]], limits=[4])
>>> problem.total(problem.costs, np.array([1, 0])), problem.totals(np.array([1, 0]))
(6.0, array([3.]))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from tabulae.arithmetic.arrays import Float64s, Int64s

Choice = Int64s  # [n], the option of every tensor


@dataclass(frozen=True, eq=False)
class Problem:
    """n tensors with at most k options each; a tensor with fewer repeats its last one."""

    costs: Float64s  # [n, k]
    weights: Float64s  # [c, n, k], one plane per limit
    limits: Float64s  # [c]

    @classmethod
    def of(cls, options: Sequence[Sequence[tuple[float, ...]]], limits: Sequence[float]) -> "Problem":
        """From (cost, weight per limit, ...) of every option of every tensor."""
        most = max((len(one) for one in options), default=1)
        padded = [[*one, *[one[-1]] * (most - len(one))] for one in options]
        planes = np.array(padded, np.float64).reshape(len(options), most, 1 + len(limits))
        return cls(planes[..., 0], np.ascontiguousarray(planes[..., 1:].transpose(2, 0, 1)), np.array(limits, float))

    def total(self, values: Float64s, choice: Choice) -> float:
        """The sum of one value [n, k] over the chosen options, rounded once: the same in any order."""
        return fsum(values[np.arange(len(choice)), choice])

    def totals(self, choice: Choice) -> Float64s:
        """The weights [c] of a choice."""
        return np.array([self.total(plane, choice) for plane in self.weights])

    def fits(self, choice: Choice) -> bool:
        """Whether a choice keeps to every limit."""
        return bool((self.totals(choice) <= self.limits).all())

    def combined(self, prices: Float64s) -> Float64s:
        """The weights [n, k] of all limits as one, at so much a unit."""
        combined: Float64s = np.tensordot(prices, self.weights, axes=1)
        return combined


def least(first: Float64s, then: Float64s) -> Choice:
    """The column with the least ``first`` in every row of two tables [n, k]; of equals that with the least ``then``."""
    tied = first <= first.min(axis=1, keepdims=True)
    column: Choice = np.where(tied, then, np.inf).argmin(axis=1)
    return column
