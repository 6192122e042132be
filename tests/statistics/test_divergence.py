import numpy as np
import pytest

from tabulae.statistics import histogram_divergence

w = np.random.default_rng(1).standard_normal(100_000).astype(np.float32)


def test_a_permutation_costs_nothing() -> None:
    assert histogram_divergence(w, np.random.default_rng(2).permutation(w)) == 0


def test_two_normals_diverge_as_they_should() -> None:
    wider = 1.5 * np.random.default_rng(3).standard_normal(100_000).astype(np.float32)
    expected = np.log(1.5) + 1 / (2 * 1.5**2) - 0.5
    assert histogram_divergence(w, wider) == pytest.approx(expected, abs=0.01)


def test_coarser_grids_diverge_more() -> None:
    coarse = [histogram_divergence(w, np.float32(step) * np.rint(w / np.float32(step))) for step in (0.05, 0.2, 1)]
    assert coarse == sorted(coarse)


def test_constant_weights() -> None:
    assert histogram_divergence(np.zeros(4, np.float32), np.zeros(4, np.float32)) == 0
