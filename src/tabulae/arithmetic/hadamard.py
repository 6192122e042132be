"""Dense Hadamard matrices by Paley's two constructions, over any finite field GF(p^k) of odd order.

With q = p^k and chi the quadratic character of GF(q): order q + 1 where q = 3 mod 4, order 2 (q + 1) where
q = 1 mod 4 (Paley 1933). Sylvester's 2^k need no matrix: they are k steps of sums and differences.
"""

from functools import cache
from math import isqrt

import numpy as np

from tabulae.arithmetic.arrays import Int8s, Int64s
from tabulae.errors import UsageError

LARGEST = 512  # orders beyond cost more adds than the weights they would help


@cache
def hadamard(order: int) -> Int8s:
    """A Paley matrix H with entries +-1 and ``H @ H.T = order * I``, int8 [order, order], read-only.

    Elements of GF(q) are numbered by their digits to base p, lowest power of X first, modulo the first monic
    polynomial (in the order of these numbers) for which X generates all of them but 0.

    :raises UsageError: no such matrix

    >>> h = hadamard(12).astype(int)
    >>> bool((h @ h.T == 12 * np.eye(12)).all())
    True
    """
    construction = paley(order)
    if construction is None:
        raise UsageError("hadamard", f"the order must be q + 1 or 2 (q + 1) of a prime power, up to {LARGEST}", order)
    q, p, k = construction
    core = np.pad(_jacobsthal(p, k), ((1, 0), (1, 0)), constant_values=1)
    core[0, 0] = 0
    if q % 4 == 3:
        core[1:, 0] = -1
        h = core + np.eye(order, dtype=np.int64)
    else:
        h = np.kron(core, [[1, 1], [1, -1]]) + np.kron(np.eye(q + 1, dtype=np.int64), [[1, -1], [-1, -1]])
    result = h.astype(np.int8)
    result.flags.writeable = False
    return result


@cache
def paley(order: int) -> tuple[int, int, int] | None:
    """q, p and k of the construction for an order, or None: q + 1 is preferred.

    >>> paley(344), paley(36), paley(16 + 6)
    ((343, 7, 3), (17, 17, 1), None)
    """
    for q, remainder in ((order - 1, 3), (order // 2 - 1, 1)):
        if order % 4 == 0 and q % 4 == remainder and order <= LARGEST:
            power = _prime_power(q)
            if power is not None:
                return (q, *power)
    return None


def _prime_power(q: int) -> tuple[int, int] | None:
    """p and k with ``q = p^k``."""
    if q < 2:
        return None
    p = next((d for d in range(2, isqrt(q) + 1) if q % d == 0), q)
    k = 1
    while p**k < q:
        k += 1
    return (p, k) if p**k == q else None


def _jacobsthal(p: int, k: int) -> Int64s:
    """``chi(a - b)`` for all elements a, b, int64 [q, q]."""
    powers = _generator_powers(p, k)
    character = np.zeros(p**k, np.int64)
    character[powers[0::2]], character[powers[1::2]] = 1, -1  # squares are the even powers of the generator
    places = p ** np.arange(k)
    digits = np.arange(p**k)[:, None] // places % p
    differences: Int64s = (digits[:, None] - digits) % p @ places
    return character[differences]


def _generator_powers(p: int, k: int) -> list[int]:
    """Numbers of X^0, X^1, .. X^(q-2) modulo the first polynomial X^k + .. for which they are all different."""
    for number in range(p**k):
        low = [number // p**i % p for i in range(k)]  # its coefficients below X^k
        element, powers = [1] + [0] * (k - 1), []
        for _ in range(p**k - 1):
            powers.append(sum(digit * p**i for i, digit in enumerate(element)))
            top = element[-1]
            element = [(digit - top * c) % p for digit, c in zip([0, *element[:-1]], low, strict=True)]
        if len(set(powers)) == len(powers) and 0 not in powers:
            return powers
    raise AssertionError("every finite field has a generator")
