"""Which rows stand for a tensor where looking at all of them would take too long.

>>> sampled_rows(8, 4, most=12)
array([0, 2, 5])
"""

import numpy as np

from tabulae.arithmetic.arrays import Int64s

MOST = 1 << 18  # weights: the likelihoods of two families then differ by far more than chance does
GOLDEN = (5**0.5 - 1) / 2


def sampled_rows(rows: int, cols: int, most: int = MOST) -> Int64s:
    """Whole rows, ascending, of at most ``most`` weights together, but at least one row; always the same ones.

    They follow multiples of the golden ratio: evenly spread, and never in step with the heads of an attention as every
    64th row would be.
    """
    count = min(rows, max(1, most // cols))
    places = np.arange(rows) * GOLDEN % 1.0
    chosen: Int64s = np.sort(np.argsort(places, kind="stable")[:count])
    return chosen.astype(np.int64)
