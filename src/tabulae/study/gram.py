"""The Gram matrix of an input, ``sum x^T x``, with the same bits on every machine.

BLAS adds in an order of its own, which does not matter where nothing is rounded: columns are first rounded to 21 bits
of their largest magnitude among some rows, so products and sums of as many rows are integers below 2^53. A mean is off
by at most 2^-20 of what the two largest magnitudes of its columns multiply to.

>>> gram = GramSum()
>>> gram(np.array([[1.0, 2.0], [3.0, -2.0]], np.float32))
>>> gram.mean
array([[ 5., -2.],
       [-2.,  4.]])
"""

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s

BITS = 21
ROWS = 1 << 53 - 2 * BITS - 1  # as many products still add up exactly


class GramSum:
    """A tap: float64 [cols, cols], exactly symmetric, 8 cols^2 bytes (and as many while rows are added)."""

    def __init__(self) -> None:
        self._rows, self._sum = 0, np.zeros((0, 0))

    def __call__(self, x: Float32s) -> None:
        for first in range(0, len(x), ROWS):
            part = _products(x[first : first + ROWS])
            self._sum = self._sum + part if self._rows else part
            self._rows += len(x[first : first + ROWS])

    @property
    def mean(self) -> Float64s:
        """Over all rows."""
        mean: Float64s = self._sum / self._rows
        return mean


def _products(x: Float32s) -> Float64s:
    """``x^T x`` of at most ``ROWS`` rows [n, cols]."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused by whoever asked
        shifts = BITS - np.frexp(np.abs(x).max(axis=0))[1]  # [cols]
        whole = np.rint(np.ldexp(x.astype(np.float64), shifts))
        products: Float64s = np.ldexp(whole.T @ whole, -(shifts + shifts[:, None]))
    return products
