"""A uniform grid with a scale per row and an ideal entropy code: what scalar codes of any length can reach."""

import numpy as np

from tabulae.statistics import sampled_rows
from tabulae.statistics.grid import entropy_bits


def grid(w: np.ndarray, bits: float) -> tuple[np.ndarray, float]:
    """w [rows, cols] rounded so that its codes have an entropy of ``bits`` (found on a sample), and all its bits."""
    rms = np.sqrt(np.square(w, dtype=np.float64).mean(axis=1, keepdims=True)).astype(np.float32)
    y = w / np.where(rms > 0, rms, 1)
    sample = y[sampled_rows(*y.shape)]
    low, high = 1e-3, 4.0
    for _ in range(20):
        step = np.float32(np.sqrt(low * high))
        low, high = (step, high) if entropy(sample, step) > bits else (low, step)
    return np.rint(y / step) * step * rms, entropy(y, step) * w.size + 16 * len(w)


def entropy(y: np.ndarray, step: np.float32) -> float:
    """Of the codes, in bits per weight."""
    codes = np.rint(y / step).astype(np.int64).reshape(-1)
    return entropy_bits(np.bincount(codes - codes.min()))
