"""The adaptive-LASSO detector of statistical pre-calibration (Ghaffari et al., arXiv 2405.13358 and 2501.09107).

Minimising ``b sum (w - v)^2 + l sum |v| / |w|`` (squared error and a stand-in for the divergence of the distributions)
over v gives ``v = sign(w) max(0, |w| - l' / |w|)`` with l' = l / 2b: every weight by itself. What is not zero is an
outlier. So the detector is a threshold on magnitudes, ``|w| > sqrt(l')``, every l' belongs to a share of outliers, and
no search is needed: l' is the square of a quantile. The shrunk values v are not used for anything else.

>>> w = np.float32([[0.1, -3, 0.5, 2]])
>>> soft_threshold(w, 1.0), penalty_of(w, share=0.5), outlier_mask(w, share=0.5)
(array([[ 0.        , -2.66666667,  0.        ,  1.5       ]]), 0.25, array([[False,  True, False,  True]]))
"""

from fractions import Fraction

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float32s, Float64s
from tabulae.errors import UsageError
from tabulae.formats.outliers import largest


def soft_threshold(w: Float32s, penalty: float) -> Float64s:
    """``sign(w) max(0, |w| - penalty / |w|)``, float64, of the shape of w; 0 where w is."""
    size = np.abs(w).astype(np.float64)
    shrunk = size - np.divide(penalty, size, out=np.full_like(size, np.inf), where=size > 0)
    return np.copysign(np.maximum(0.0, shrunk), w)


def penalty_of(w: Float32s, share: float) -> float:
    """The penalty with which ``floor(share * weights)`` of w [rows, cols] stay (fewer, where several are equal).

    :raises UsageError: a share that is not in [0, 1)
    """
    if not 0 <= share < 1:
        raise UsageError("outlier share", "it must be at least 0 and below 1", share, "such as 0.02")
    count = int(Fraction(repr(share)) * w.size)
    threshold = float(np.abs(w.reshape(-1)[largest(w, count + 1)]).min())
    return threshold**2  # exact: a float32 has 24 bits


def outlier_mask(w: Float32s, share: float) -> Bools:
    """Which weights the detector keeps at that share, bool [rows, cols]."""
    kept: Bools = soft_threshold(w, penalty_of(w, share)) != 0
    return kept
