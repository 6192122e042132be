"""Entropy of weights on a uniform grid: the bits that an entropy coder would need for them.

The step is a quarter of the RMS, so a Normal source needs 4.05 bits, a Laplace 3.95, a Student-t with nu = 5 3.98;
every halving of the step adds about one.

>>> indices = grid_indices(np.float32([[-1, 0, 0.1, 9]]), np.array([1.0]))
>>> indices - 128
array([[-4,  0,  0, 36]])
>>> entropy_bits(np.array([1, 1, 2, 0]))
1.5
"""

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s

STEP = 0.25  # of the RMS
LARGEST = float(np.finfo(np.float32).max)
CELLS = 256  # what lies beyond 32 RMS counts to the outermost cells


def grid_indices(x: Float32s, rms: Float64s) -> Int64s:
    """The cell 1..255 of every weight x [n, cols] for the RMS of its row [n] (or one [1] for all); 128 holds 0."""
    inverse = np.divide(1 / STEP, rms, out=np.zeros_like(rms), where=rms > 0)
    scaled = np.rint(x * np.minimum(inverse, LARGEST).astype(np.float32)[:, None])
    np.clip(scaled, 1 - CELLS // 2, CELLS // 2 - 1, out=scaled)
    cells: Int64s = scaled.astype(np.int64) + CELLS // 2
    return cells


def row_counts(indices: Int64s) -> Int64s:
    """How often every cell occurs in every row: [n, cols] -> [n, CELLS]."""
    n = len(indices)
    flat = (indices + CELLS * np.arange(n)[:, None]).reshape(-1)
    return np.bincount(flat, minlength=n * CELLS).reshape(n, CELLS).astype(np.int64)


def entropy_bits(counts: Int64s) -> float:
    """Empirical entropy of one histogram [cells], in bits per weight."""
    return float(entropies(counts[None])[0])


def entropies(counts: Int64s) -> Float64s:
    """Empirical entropy of every histogram [n, cells], bits; biased low by about (cells used - 1) / (1.39 weights)."""
    total = counts.sum(axis=1, keepdims=True)
    logs = np.log2(np.maximum(counts, 1) / np.maximum(total, 1))
    bits: Float64s = -(counts * logs).sum(axis=1) / np.maximum(total[:, 0], 1)
    return bits + 0.0  # no negative zero
