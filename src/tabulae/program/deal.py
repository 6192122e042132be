"""Columns in another order, as they are written: digits of their numbers, reversed."""

from collections.abc import Mapping
from math import prod
from typing import Annotated

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.program.checking import Check, Checked
from tabulae.program.passes import Carry
from tabulae.program.value import Size, Value

Deal = Annotated[tuple[Size, ...], msgspec.Meta(max_length=4)]


def dealt_ranks(deal: tuple[int, ...], width: int) -> Int64s:
    """Which rank stands in every column.

    With ``deal = (a, b, ..)``, whose product is the width, the ranks with the digits (.., b, a) are dealt to columns
    with the digits (a, b, ..), the first ``a`` of them to a different part each.

    >>> dealt_ranks((2, 3), 6)
    array([0, 2, 4, 1, 3, 5])
    """
    ranks = np.arange(width)
    return ranks.reshape(deal[::-1]).T.reshape(-1) if deal else ranks


def dealt(x: Float32s, deal: tuple[int, ...]) -> Float32s:
    """The columns of the last axis as they are dealt."""
    return x[..., dealt_ranks(deal, x.shape[-1])] if deal else x


def check_dealt(at: Check, op: Checked, deal: tuple[int, ...]) -> None:
    """Refuse values that are not alike, and digits that do not number their columns."""
    at.one_shape(op)
    columns = at.values[op.writes()[0]].shape[-1]
    at.must(not deal or prod(deal) == columns, f"digits of a deal must multiply to {columns}", deal)


def carried(source: str, out: str, deal: tuple[int, ...], values: Mapping[str, Value]) -> Carry:
    """A factor per hidden unit of ``source`` is one of the column of ``out`` that it is dealt to."""
    return Carry("hidden", out, dealt_ranks(deal, values[out].width), source=source)
