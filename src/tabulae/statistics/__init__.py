"""What weights alone say about themselves: moments, tails, entropy, dead rows, duplicates.

>>> import numpy as np
>>> x = np.random.default_rng(0).standard_t(5, (64, 512)).astype(np.float32)
>>> found = describe_tensor(x)
>>> found.fit.family, round(found.fit.nu), found.dead_rows
('t', 5, 0)

Nothing here runs a model; planning and reports take the records as data.
"""

from tabulae.statistics.divergence import histogram_divergence
from tabulae.statistics.families import Fit, fit_family
from tabulae.statistics.rows import RowStatistics, describe_rows
from tabulae.statistics.sample import sampled_rows
from tabulae.statistics.tensor import Spread, TensorStatistics, describe_tensor, duplicates

__all__ = [
    "Fit",
    "RowStatistics",
    "Spread",
    "TensorStatistics",
    "describe_rows",
    "describe_tensor",
    "duplicates",
    "fit_family",
    "histogram_divergence",
    "sampled_rows",
]
