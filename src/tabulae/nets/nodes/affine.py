"""Linears and, behind a view of patches, convolutions."""

from dataclasses import dataclass, replace

import numpy as np

from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.formats import parse
from tabulae.nets.carried import Carried
from tabulae.nets.levels import Levels, Numbers, plain
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
    exact: Rounded | None = None  # the codes of the weights, where a quantised model has them
    start: Int64s | None = None  # its bias in units of the sums [groups * rows]

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
        if self.exact is not None and given.given:
            return self._as_given(at, given.value, given.levels, self.exact)
        stored = self._stored(at, given.levels)
        unit, offset = stored.unit, self._constant(at, given.levels, stored)
        bias = offset if self.bias is None else offset + self.bias
        start = np.rint(bias / unit).astype(np.int64)
        out = self._products(at, given.value, given.levels, stored, start, unit)
        exact = bias - start * unit  # what rounding the start leaves is made good by thresholds
        at.carried[self.out] = Carried.sums(out, unit, exact)

    def _as_given(self, at: Lowering, value: str, levels: Levels, stored: Rounded) -> None:
        """The integers of a quantised model; its scales are float32, and so is what it makes of them."""
        unit = np.asarray(np.float32(levels.unit) * stored.unit.astype(np.float32))
        wide, bias = unit.astype(np.float64), np.zeros(len(unit)) if self.bias is None else self.bias
        start = np.rint(bias / wide).astype(np.int64) if self.start is None else self.start
        out = self._products(at, value, levels, stored, start, wide)
        if self.start is None and self.bias is not None:  # a bias in floats: its rest goes into what follows
            at.carried[self.out] = Carried.sums(out, wide, bias - start * wide)
            return
        sums = Carried.sums(out, wide, 0.0)
        at.carried[self.out] = replace(sums, over=lambda x, step: x.astype(np.float32) * (unit / step))

    def _products(self, at: Lowering, value: str, levels: Levels, stored: Rounded, start: Int64s, unit: Numbers) -> str:
        """Every weight's row of products, chosen by its code; the name of the sums."""
        g, r, _ = self.weight.shape
        builder, out = at.builder, at.fresh(self.out)
        op = Products(
            value,
            builder.array(f"{out}.tables", stored.book[:, None] * levels.points),
            out,
            builder.array(f"{out}.select", stored.codes),
            builder.array(f"{out}.start", start.reshape(g, r)),
            g,
        )
        return builder.add(op, (*builder.values[value].static[:-1], g * r), plain(unit))

    def _stored(self, at: Lowering, levels: Levels) -> Rounded:
        """Weights as codes, what a step of each input is worth taken into them."""
        g, _, j = self.weight.shape
        worth = np.broadcast_to(np.float64(levels.unit), g * j).reshape(g, 1, j)
        form = parse(at.choices.weights)
        return rounded(self.weight * worth, form, self._importance(at, levels), one_unit=self.out in at.last)

    def _constant(self, at: Lowering, levels: Levels, stored: Rounded) -> Float64s:
        """What a sum has beside its products [groups * rows]: offsets of codes, and what rounding loses on average."""
        g, _, j = self.weight.shape
        parts = (np.broadcast_to(np.float64(part), g * j).reshape(g, 1, j) for part in (levels.unit, levels.offset))
        worth, offset = parts
        lost = (self.weight * worth - stored.weights()) * self._points(at, levels).mean(axis=0).reshape(g, 1, j)
        return np.asarray((self.weight * offset + lost).sum(axis=2).reshape(-1))

    def _points(self, at: Lowering, levels: Levels) -> Float64s:
        """Its input on the data, in steps [.., groups * columns]."""
        x = at.samples[self.input].reshape(-1, self.weight.shape[0] * self.weight.shape[2])
        return np.asarray((x - levels.offset) / np.float64(levels.unit))

    def _importance(self, at: Lowering, levels: Levels) -> Float64s:
        """The mean square of every input, in its steps [groups * columns]."""
        return np.asarray(np.square(self._points(at, levels)).mean(axis=0))
