"""Rotations of a linear's input: random signs, then a transform of adds over all columns.

``y = W x = (W R^-1) (R x)`` with ``R = H S``: S changes signs, H is a Kronecker product of Hadamard matrices, not
normalised: ``R R.T = norm * I``. So inputs are only added, and the weights are divided by ``norm`` once, before
they are encoded, where the division disappears in their row scale.

The float order is fixed. Factor f of ``factors`` works on runs of stride = product of the later factors, so the
largest stride comes first. A power of two is steps of ``(a + b, a - b)``, its largest stride first as well; an
odd n is ``n x - 2 (x0 + x1 + ..)``; any other factor is a dense matrix, whose terms are added in column order.
"""

from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Int8s
from tabulae.arithmetic.hadamard import LARGEST, hadamard, paley
from tabulae.errors import UsageError

ODD = 9  # the largest odd remainder that n I - 2 J may take


@dataclass(frozen=True, eq=False)
class Rotation:
    """Signs and factors; it never changes and may be shared by all linears of an input."""

    signs: Bools  # [cols], True: the column is negated
    factors: tuple[int, ...]

    @property
    def cols(self) -> int:
        """Columns of the input."""
        return len(self.signs)

    @property
    def norm(self) -> float:
        """``R R.T = norm * I``: the product of the orders, an odd one squared."""
        return float(prod(f * f if f % 2 else f for f in self.factors))

    def rotate(self, x: Float32s) -> Float32s:
        """``R x`` of every row, float32 [n, cols]: sqrt(norm) times as long.

        >>> random_rotation(4, seed=0).rotate(np.float32([[1, 0, 0, 0]])).tolist()
        [[-1.0, -1.0, -1.0, -1.0]]
        """
        return _transform(np.where(self.signs, -x, x), self.factors, transposed=False)

    def unrotate(self, y: Float32s) -> Float32s:
        """``R^-1 y`` of every row, float32 [n, cols]."""
        return self.unrotate_weights(y) / np.float32(self.norm)

    def rotate_weights(self, w: Float32s) -> Float32s:
        """``W R^-1``, the weights for a rotated input, float32 [rows, cols]."""
        return self.rotate(w) / np.float32(self.norm)

    def unrotate_weights(self, w: Float32s) -> Float32s:
        """``W R``: rotated weights as they act on an input that is not rotated, float32 [rows, cols]."""
        x = _transform(w, self.factors, transposed=True)
        return np.where(self.signs, -x, x)


def random_rotation(cols: int, seed: int) -> Rotation:
    """A rotation of ``cols`` columns whose signs depend on the seed alone.

    :raises UsageError: the columns cannot be factored
    """
    factors = factorise(cols)
    if factors is None:
        raise UsageError("rotation", "the columns must factor into Hadamard orders", cols, "do not rotate this input")
    return Rotation(_signs(cols, seed), factors)


@cache
def factorise(n: int) -> tuple[int, ...] | None:
    """Factors of n: dense orders (largest first), a power of two, an odd remainder up to 9; None if there are none.

    Without a remainder where possible, then with the fewest adds.

    >>> factorise(576), factorise(1536), factorise(11008), factorise(18), factorise(86)
    ((12, 12, 4), (12, 128), (344, 32), (2, 9), None)
    """
    return min(_factorisations(n, n), key=_cost, default=None)


def _factorisations(n: int, largest: int) -> list[tuple[int, ...]]:
    odd = n // (n & -n)
    found = [tuple(f for f in (n // odd, odd) if f > 1)] if odd <= ODD else []
    for d in range(min(n, largest, LARGEST), 4, -1):
        if n % d == 0 and d & (d - 1) and paley(d) is not None:
            found += [(d, *rest) for rest in _factorisations(n // d, d)]
    return found


def _cost(factors: tuple[int, ...]) -> tuple[bool, int, tuple[int, ...]]:
    """Whether there is an odd remainder, and the adds for each column."""
    adds = sum(f.bit_length() - 1 if f & (f - 1) == 0 else 2 if f % 2 else f - 1 for f in factors)
    return any(f % 2 for f in factors), adds, factors


def _transform(x: Float32s, factors: tuple[int, ...], transposed: bool) -> Float32s:
    """``H x`` or ``H.T x`` of every row [n, cols]."""
    stride = x.shape[1]
    for f in factors:
        stride //= f
        runs = x.reshape(-1, f, stride)
        if f & (f - 1) == 0:
            x = _sylvester(runs).reshape(x.shape)
        elif f % 2:
            x = (np.float32(f) * runs - np.float32(2) * _sum(runs)).reshape(x.shape)
        else:
            h = hadamard(f)
            x = _dense(h.T if transposed else h, runs).reshape(x.shape)
    return x


def _sylvester(runs: Float32s) -> Float32s:
    """[m, 2^k, stride]: k steps of sums and differences."""
    half = runs.shape[1] // 2
    while half:
        a, b = np.moveaxis(runs.reshape(len(runs), -1, 2, half, runs.shape[2]), 2, 0)
        runs = np.stack([a + b, a - b], axis=2).reshape(runs.shape)
        half //= 2
    return runs


def _dense(h: Int8s, runs: Float32s) -> Float32s:
    """[m, f, stride]: each output is ``+-x0 +- x1 ..``, from left to right."""
    signs = h.astype(np.float32)
    out = signs[:, 0, None] * runs[:, 0, None]
    for j in range(1, runs.shape[1]):
        out += signs[:, j, None] * runs[:, j, None]
    return out


def _sum(runs: Float32s) -> Float32s:
    """[m, f, stride] -> [m, 1, stride], from left to right."""
    total = runs[:, :1]
    for j in range(1, runs.shape[1]):
        total = total + runs[:, j : j + 1]
    return total


def _signs(cols: int, seed: int) -> Bools:
    """The top bit of SplitMix64 (Steele et al. 2014) at every column: the same on every machine and NumPy."""
    z = (np.arange(1, cols + 1, dtype=np.uint64) + np.uint64(seed % 2**32 << 32)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(63)).astype(np.bool_)
