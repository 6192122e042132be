"""Linears of experts: each position goes through those that were chosen for it."""

from collections.abc import Iterator

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Linear, Operation, Out, Projection, Record, Shape, Table


class Experts(Record, frozen=True):
    """The same linear of every expert, in their order; none has a bias."""

    weights: tuple[Table, ...]  # each [rows, cols]
    out: Out  # [positions, top, rows]


class ProjectRouted(Operation, frozen=True, tag="project_routed"):
    """``out[p, s] = weights[chosen[p, s]] @ input[p]``, or of ``input[p, s]`` where that has an axis of choices.

    All linears of one input (gate and up): it is encoded once for all, as in a ``Project``.
    """

    input: In  # [positions, cols] or [positions, top, cols]
    chosen: In  # [positions, top]: integers
    experts: tuple[Experts, ...]

    def projections(self) -> Iterator[Projection]:
        for weights in zip(*(one.weights for one in self.experts), strict=True):
            outs = (one.out for one in self.experts)
            yield Projection(self.input, tuple(map(Linear, weights, outs)))

    def check(self, at: Check) -> None:
        at.one_axis(self)
        low, high = at.integers(self.chosen)
        top, given = at.width(self.chosen), at.values[self.input].shape
        at.must(low == 0, "experts must begin at 0", low)
        at.must(
            len(given) == 2 or given[1:2] == (top,), f"the input must be for a position or its {top} choices", given
        )
        for one in self.experts:
            at.must(one.out != self.input, "input and outputs must be different values", self.input)
            at.must(len(one.weights) == high + 1, f"there must be {high + 1} experts", len(one.weights))
            shape = at.values[one.out].shape
            at.must(len(shape) == 3 and shape[1] == top, f"{one.out} must have {top} choices in a position", shape)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        cols = at.values[self.input].shape[-1]
        for one in self.experts:
            rows = at.values[one.out].shape[-1]
            yield from ((weight, (int(rows), int(cols))) for weight in one.weights)

    def run(self, at: Env) -> None:
        x, chosen = at.values[self.input], at.values[self.chosen]
        for one in self.experts:
            at.values[one.out] = self._routed(at, one, x, chosen)

    def _routed(self, at: Env, one: Experts, x: Float32s, chosen: Int64s) -> Float32s:
        out = np.empty((*chosen.shape, at.declared[one.out].shape[-1]), np.float32)
        for expert, weight in enumerate(one.weights):
            p, s = np.nonzero(chosen == expert)
            if len(p):
                out[p, s] = at.project(weight, x[p] if x.ndim == 2 else x[p, s])
        return out
