"""Linears and, behind a view of patches, convolutions."""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.formats import parse
from tabulae.nets.carried import Carried
from tabulae.nets.levels import Levels, plain
from tabulae.nets.lowering import Lowering
from tabulae.nets.node import Floats, Node, Values
from tabulae.nets.rounded import Rounded, rounded
from tabulae.program.ops.products import Products


@dataclass(frozen=True, eq=False)
class Affine(Node):
    """``out[.., g, r] = sum_j weight[g, r, j] input[.., g, j] + bias[g, r]``."""

    input: str
    weight: Floats  # [groups, rows, columns]
    bias: Floats | None = None  # [groups * rows]

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        x = values[self.input]
        g, r, j = self.weight.shape
        sums = np.matmul(self.weight, x.reshape(*x.shape[:-1], g, j, 1))[..., 0]
        flat: Floats = sums.reshape(*x.shape[:-1], g * r)
        return flat if self.bias is None else flat + self.bias

    def lower(self, at: Lowering) -> None:
        given = at.linear(self.input)
        assert given.levels is not None
        stored = self._stored(at, given.levels)
        unit, offset = stored.unit, stored.moved(given.levels)
        bias = offset if self.bias is None else offset + self.bias
        start = np.rint(bias / unit).astype(np.int64)
        g, r, _ = self.weight.shape
        builder, out = at.builder, at.fresh(self.out)
        op = Products(
            given.value,
            builder.array(f"{out}.tables", stored.book[:, None] * given.levels.points),
            out,
            builder.array(f"{out}.select", stored.codes),
            builder.array(f"{out}.start", start.reshape(g, r)),
            g,
        )
        shape = (*builder.values[given.value].static[:-1], g * r)
        exact = bias - start * unit  # what rounding the start leaves is made good by thresholds
        at.carried[self.out] = Carried.sums(builder.add(op, shape, plain(unit)), unit, exact)

    def _stored(self, at: Lowering, levels: Levels) -> Rounded:
        """Weights as codes, what a step of each input is worth taken into them."""
        g, _, j = self.weight.shape
        worth = np.broadcast_to(np.float64(levels.unit), g * j).reshape(g, 1, j)
        form = parse(at.choices.weights)
        return rounded(self.weight * worth, form, self._importance(at, levels), one_unit=self.out in at.last)

    def _importance(self, at: Lowering, levels: Levels) -> Float64s:
        """The mean square of every input, in its steps [groups * columns]."""
        x = at.samples[self.input].reshape(-1, self.weight.shape[0] * self.weight.shape[2])
        points = (x - levels.offset) / np.float64(levels.unit)
        return np.asarray(np.square(points).mean(axis=0))
