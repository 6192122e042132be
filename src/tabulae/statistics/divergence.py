"""How far the distribution of quantised weights is from that of the weights: a figure, not a target.

It says nothing about the model: permuting the weights at random leaves it at 0 and destroys everything. It is reported
beside the squared error because statistical pre-calibration is motivated by it.

>>> w = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
>>> histogram_divergence(w, w[::-1]), round(histogram_divergence(w, np.round(w)), 1)
(0.0, 4.7)
"""

import numpy as np

from tabulae.arithmetic.arrays import Float32s

BINS = 256


def histogram_divergence(weights: Float32s, decoded: Float32s, bins: int = BINS) -> float:
    """KL(weights || decoded) in nats of two histograms of ``bins`` equal bins over the range of both.

    Half a weight is added to every bin (Krichevsky and Trofimov 1981), so that a bin that only one of them fills
    costs something finite.
    """
    low = min(float(weights.min()), float(decoded.min()))
    high = max(float(weights.max()), float(decoded.max()))
    p, q = (np.histogram(a, bins, (low, high))[0] + 0.5 for a in (weights, decoded))
    divergence = float(np.sum(p / p.sum() * np.log(p / q))) - float(np.log(p.sum() / q.sum()))
    return max(0.0, divergence)
