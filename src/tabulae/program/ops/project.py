"""All linears of one input."""

from collections.abc import Iterator

import numpy as np

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Linear, Operation, Projection, Shape
from tabulae.program.passes import Bases
from tabulae.program.value import Rows


class Project(Operation, frozen=True, tag="project"):
    """All linears of one input (q, k, v; gate, up): the input is rotated and encoded once for all."""

    input: In
    linears: tuple[Linear, ...]

    def projections(self) -> Iterator[Projection]:
        yield Projection(self.input, self.linears)

    def check(self, at: Check) -> None:
        at.one_axis(self)
        bands: dict[str, list[Rows | None]] = {}
        for one in self.linears:
            bands.setdefault(one.out, []).append(one.rows)
        at.must(self.input not in bands, "input and outputs must be different values", self.input)
        for out, rows in bands.items():
            at.bands(rows, at.width(out), f"{at.where} to {out}")

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        for one in self.linears:
            whole = at.width(one.out)
            begin, end = one.rows or (0, whole)
            yield one.weight, (end - begin, at.width(self.input))
            yield from ((name, (whole,)) for name in one.names("vector"))

    def run(self, at: Env) -> None:
        x, parts = at.values[self.input], dict[str, list[np.ndarray]]()
        for one in self.linears:
            band = slice(None) if one.rows is None else slice(*one.rows)
            bias = None if one.bias is None else at.vector(one.bias)[band]
            parts.setdefault(one.out, []).append(at.project(one.weight, x, bias))
        at.values.update((out, np.concatenate(found, axis=1)) for out, found in parts.items())

    def bases(self, at: Bases) -> None:
        for one in self.linears:
            at.join([self.input], (one.weight, "columns"))
            at.join([one.out], (one.weight, "rows"), *((name, "rows") for name in one.names("vector")))
