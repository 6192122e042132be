"""Entropy coding of uint8 symbols: rANS (Duda, arXiv 1311.2540), every byte of it in ``docs/format.md``.

One table of frequencies for a whole tensor, blocks of 2^14 symbols that are decoded in parallel. From 10^5 weights of
two bits of entropy on, a stream is less than .5 % longer than the empirical entropy, its table included.

>>> codes = np.array([2, 2, 1, 2, 3, 2, 2, 1], np.uint8)
>>> stream = encode(codes)
>>> stream.nbytes, decode(stream, 8)
(30, array([2, 2, 1, 2, 3, 2, 2, 1], dtype=uint8))
"""

from typing import Final

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Int64s, Uint8s
from tabulae.arithmetic.elementary import log2
from tabulae.cores import available_cores
from tabulae.errors import TableModelError

BLOCK: Final = 1 << 14  # symbols that are decoded independently
PRECISION: Final = 15  # frequencies add up to 2^15
HEADER: Final = 16  # bytes
BLOCK_COST: Final = 7  # bytes beyond the entropy: 2 of index, and of the state's 4 what measures from 2 to 5 bits


def encode(codes: Uint8s, threads: int | None = None) -> Uint8s:
    """The stream of ``codes`` [any shape, in C order], uint8 [bytes]; the same for any number of threads."""
    return _native.rans_encode(np.ascontiguousarray(codes).reshape(-1), threads or available_cores())


def decode(stream: Uint8s, count: int, threads: int | None = None, what: str = "rANS stream") -> Uint8s:
    """The ``count`` symbols of a stream, uint8 [count].

    :raises TableModelError: the stream is malformed or damaged; it names ``what``, and the first damaged block
    """
    try:
        return _native.rans_decode(stream, count, threads or available_cores())
    except ValueError as error:
        raise _malformed(what, error) from None


def check(stream: Uint8s, count: int, largest: int, what: str = "rANS stream") -> None:
    """Refuse a stream whose header, table or index is wrong, of other than ``count`` symbols of 0..``largest``.

    Reads next to nothing; the blocks themselves are checked by :func:`decode`.

    :raises TableModelError: as for :func:`decode`
    """
    try:
        found, last = _native.rans_head(stream)
    except ValueError as error:
        raise _malformed(what, error) from None
    if found != count:
        raise TableModelError(what, f"its codes must be a stream of {count} symbols", found)
    if last > largest:
        raise TableModelError(what, f"its codes must be a stream of symbols up to {largest}", last)


def expected_length(counts: Int64s) -> int:
    """About the bytes of a stream in which symbol s occurs ``counts[s]`` times, int64 [<= 256]: within .1 %.

    >>> codes = np.random.default_rng(0).binomial(12, 0.5, 200_000).astype(np.uint8)
    >>> encode(codes).nbytes, expected_length(np.bincount(codes))
    (71042, 71034)
    """
    counts = np.bincount(np.arange(len(counts)), counts, 256).astype(np.int64)
    used = counts > 0
    if not used.any():
        return HEADER
    frequencies = _native.rans_frequencies(counts)
    span = np.flatnonzero(used)[-1] - np.flatnonzero(used)[0]
    table = int(span // 8 + 1 + np.where(frequencies[used] < 128, 1, 2).sum()) if span else 0
    bits = float((counts[used] * (PRECISION - log2(frequencies[used]))).sum())
    return HEADER + table + table % 2 + -(-int(counts.sum()) // BLOCK) * BLOCK_COST + int(bits / 8)


def _malformed(what: str, error: ValueError) -> TableModelError:
    must, got = error.args
    return TableModelError(what, f"its codes must be a whole stream: {must}", got, "the file was altered: get it anew")
