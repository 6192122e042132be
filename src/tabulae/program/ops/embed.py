"""Rows of a table by token."""

from collections.abc import Iterator

import numpy as np

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out, Record, Shape, Table
from tabulae.program.passes import Bases
from tabulae.program.value import Rows


class Band(Record, frozen=True):
    """Some rows of a table, or all."""

    weight: Table  # [end - begin, width]
    rows: Rows | None = None  # the tokens it holds


class Embed(Operation, frozen=True, tag="embed"):
    """``out[p] = weight[input[p]] * scale`` (no multiplication where scale is 1).

    A table may stand in bands, each a weight of its own, one after another in the order of rows.
    """

    bands: tuple[Band, ...]
    out: Out
    scale: float = 1.0
    input: In = "tokens"

    @classmethod
    def of(cls, weight: str, out: str, scale: float = 1.0) -> "Embed":
        """Of a table that is whole."""
        return cls((Band(weight),), out, scale)

    def check(self, at: Check) -> None:
        at.one_axis(self)
        low, high = at.integers(self.input)
        at.must(low == 0, "tokens must begin at 0", low)
        at.bands([band.rows for band in self.bands], high + 1)

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        _, high = at.integers(self.input)
        for band in self.bands:
            begin, end = band.rows or (0, high + 1)
            yield band.weight, (end - begin, at.width(self.out))

    def run(self, at: Env) -> None:
        ids = at.values[self.input]
        out = np.zeros((len(ids), 0), np.float32)
        for band in self.bands:
            begin, end = band.rows or (0, int(ids.max()) + 1)
            here = np.flatnonzero((begin <= ids) & (ids < end))
            if len(here):
                x = at.rows(band.weight, ids[here] - begin)
                out = out if out.shape[1] else np.zeros((len(ids), x.shape[1]), np.float32)
                out[here] = x if self.scale == 1 else x * np.float32(self.scale)
        at.values[self.out] = out

    def bases(self, at: Bases) -> None:
        at.join([self.out], *((band.weight, "columns") for band in self.bands))
