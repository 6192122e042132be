"""Means over tokens with their standard errors.

Tokens of one window are not independent, windows nearly are: so the error is that of the mean of the window means.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from tabulae.errors import UsageError


class Value(msgspec.Struct, frozen=True):
    """A mean and its standard error (None: there was but one window)."""

    mean: float
    se: float | None

    def __str__(self) -> str:
        return f"{self.mean:.5g}" if self.se is None else f"{self.mean:.5g} +- {self.se:.2g}"


def mean_of(windows: Sequence[float]) -> Value:
    """The mean of window means.

    >>> print(mean_of([1.0, 2.0, 3.0]))
    2 +- 0.58
    """
    x = np.asarray(windows, np.float64)
    return Value(float(x.mean()), float(x.std(ddof=1) / math.sqrt(len(x))) if len(x) > 1 else None)


def perplexity_of(windows: Sequence[float]) -> Value:
    """``exp(mean)`` of the mean surprise of each window; the error carries over to first order.

    >>> print(perplexity_of([math.log(7.0), math.log(9.0)]))
    7.9373 +- 1
    """
    surprise = mean_of(windows)
    perplexity = math.exp(surprise.mean)
    return Value(perplexity, None if surprise.se is None else perplexity * surprise.se)


def paired(a: Sequence[float], b: Sequence[float]) -> Value:
    """``a - b`` over the same windows: what the windows have in common drops out of the error.

    >>> print(paired([1.0, 5.0], [0.5, 4.5]))
    0.5 +- 0
    """
    if len(a) != len(b):
        raise UsageError("difference", "both must have the same windows", f"{len(a)} and {len(b)}")
    return mean_of([x - y for x, y in zip(a, b, strict=True)])
