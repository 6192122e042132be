"""The weights of one layer of a net as codes of a codebook of integers."""

from dataclasses import dataclass, replace

import numpy as np

from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.errors import UsageError
from tabulae.formats.encoding import encode
from tabulae.formats.format import Format


@dataclass(frozen=True, eq=False)
class Rounded:
    """A weight is ``book[code] * unit`` of its row."""

    codes: Int64s  # [groups, rows, columns]
    book: Int64s  # [n]
    unit: Float64s  # [groups * rows]

    def weights(self) -> Float64s:
        """What codes stand for [groups, rows, columns]."""
        found: Float64s = self.book[self.codes] * self.unit.reshape(*self.codes.shape[:2], 1)
        return found


def rounded(weight: Float64s, form: Format, importance: Float64s, *, one_unit: bool) -> Rounded:
    """Weights [groups, rows, columns] in a format; ``one_unit``: with one scale for all rows.

    ``importance`` [groups * columns] weighs squared errors.

    :raises UsageError: a format of groups, outliers or codes of variable length
    """
    if form.group or form.sparse or form.entropy:
        must = "weights of a net must have one scale for a row or a tensor, no outliers, codes of one length"
        raise UsageError("weights", must, str(form), "such as int:4/row/search or lloyd:4/tensor/search")
    if one_unit:
        form = replace(form, granularity="tensor")
    g, r, j = weight.shape
    counts = np.broadcast_to(importance.reshape(g, 1, j), weight.shape).reshape(g * r, j)
    x = np.ascontiguousarray(weight.reshape(g * r, j), np.float32)
    matrix = encode(form, x, np.ascontiguousarray(counts, np.float32)).matrix
    unit = np.broadcast_to(matrix.scales.astype(np.float64), g * r)
    safe = np.where(unit > 0, unit, 1.0)  # rows of zeros have no scale; any will do
    return Rounded(matrix.codes.reshape(g, r, j).astype(np.int64), matrix.codebook.astype(np.int64), safe)
