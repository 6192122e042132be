"""Which symmetric family weights follow best: Normal, Laplace or Student's t, by likelihood.

All are centred at zero, as the codebooks made for them are. Zeros are left out (a dead or pruned weight says nothing
about a tail). Student's t holds the Normal as its limit, so an extra parameter has to earn half a log(n) of
likelihood (the Bayesian information criterion, Schwarz 1978). Weights are first counted in bins of 1/64 of an octave,
which changes a log-likelihood per weight by less than 1e-4 and makes the fit independent of their number.

>>> fit = fit_family(np.random.default_rng(1).laplace(size=50_000).astype(np.float32))
>>> fit.family, fit.nu
('laplace', None)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log, pi
from typing import Literal

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s

Family = Literal["normal", "laplace", "t"]
DROPPED = 17  # low bits of a float32: 64 bins an octave
LEAST, MOST = 1.0, 256.0  # degrees of freedom; beyond them a t cannot be told from a Normal
GOLDEN = (5**0.5 - 1) / 2


class Fit(msgspec.Struct, frozen=True):
    """The best family, and what all of them reach."""

    family: Family
    nu: float | None  # degrees of freedom, of t alone
    scale: float  # of t, in units of the weights; of the others their RMS or mean magnitude
    normal: float  # log-likelihood per weight, nats, of weights divided by their RMS
    laplace: float
    t: float
    t_nu: float  # the best nu, whichever family wins


@dataclass(frozen=True, eq=False)
class _Bins:
    squares: Float64s  # mean of w^2 in every bin, over the mean of all
    shares: Float64s  # of all weights
    magnitude: float  # mean |w| over the RMS
    rms: float
    count: int


def fit_family(x: Float32s) -> Fit | None:
    """The family of the weights x, any shape, float32 and finite; None if they are all zero."""
    bins = _bins(x)
    if bins is None:
        return None
    normal = -0.5 * log(2 * pi) - 0.5
    laplace = -log(2 * bins.magnitude) - 1
    t, nu, scale = _best_t(bins)
    penalty = 0.5 * log(bins.count) / bins.count
    family, wins = ("normal", normal) if normal >= laplace else ("laplace", laplace)
    common = {"normal": normal, "laplace": laplace, "t": t, "t_nu": nu}
    if t - penalty > wins:
        return Fit("t", nu, scale * bins.rms, **common)
    return Fit("normal" if family == "normal" else "laplace", None, _scale(family, bins), **common)


def _scale(family: str, bins: _Bins) -> float:
    return bins.rms * (1.0 if family == "normal" else bins.magnitude)


def _bins(x: Float32s) -> _Bins | None:
    magnitudes = np.abs(x).reshape(-1)
    magnitudes = np.ascontiguousarray(magnitudes[magnitudes > 0])
    if not len(magnitudes):
        return None
    keys = (magnitudes.view(np.uint32) >> DROPPED).astype(np.int64)
    low = int(keys.min())
    counts = np.bincount(keys - low)
    wide = magnitudes.astype(np.float64)
    sums = np.bincount(keys - low, weights=wide * wide)
    used = counts > 0
    total, rms = len(magnitudes), float(np.sqrt(sums.sum() / len(magnitudes)))
    squares = sums[used] / counts[used] / rms**2
    return _Bins(squares, counts[used] / total, float(wide.mean()) / rms, rms, total)


def _best_t(bins: _Bins) -> tuple[float, float, float]:
    """Log-likelihood, degrees of freedom and scale of the best Student's t: golden sections over log nu."""
    scales: dict[float, float] = {}

    def likelihood(log_nu: float) -> float:
        start = next(reversed(scales.values()), 1.0)
        value, scales[log_nu] = _likelihood(bins, exp(log_nu), start)
        return value

    best = _maximum(likelihood, log(LEAST), log(MOST), tolerance=0.01)
    return likelihood(best), exp(best), scales[best]


def _maximum(f: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Where a function with one maximum has it, by golden sections."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    fa, fb = f(a), f(b)
    while high - low > tolerance:
        if fa >= fb:
            high, b, fb = b, a, fa
            a = high - GOLDEN * (high - low)
            fa = f(a)
        else:
            low, a, fa = a, b, fb
            b = low + GOLDEN * (high - low)
            fb = f(b)
    return a if fa >= fb else b


def _likelihood(bins: _Bins, nu: float, start: float) -> tuple[float, float]:
    """The log-likelihood per weight of Student's t at its best scale, and that scale (fixed point of the EM steps)."""
    square = start**2
    for _ in range(100):
        better = (nu + 1) * float(bins.shares @ (bins.squares / (nu + bins.squares / square)))
        done = abs(better - square) <= 1e-6 * square
        square = better
        if done:
            break
    body = float(bins.shares @ np.log1p(bins.squares / (nu * square)))
    constant = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi * square)
    return constant - (nu + 1) / 2 * body, square**0.5
