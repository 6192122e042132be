"""Densities: errors and cells against plain sums, sources against known integrals."""

import numpy as np
import pytest

from tabulae.formats import parse
from tabulae.formats.density import Density, atoms, block_density, source_density
from tabulae.formats.distributions import LAPLACE, NORMAL, StudentT


def test_error_of_atoms_is_the_sum_of_squares_to_the_nearest():
    rng = np.random.default_rng(0)
    values, weights = np.sort(rng.standard_normal(500)), rng.random(500)
    codebook = np.array([-1.0, -0.2, 0.3, 1.5])
    nearest = np.abs(values[:, None] - codebook).min(axis=1)
    assert atoms(values, weights).error(codebook) == pytest.approx(np.sum(weights * nearest**2))


def test_cells_of_a_single_codepoint_hold_everything():
    w, wv, wvv = atoms(np.array([1.0, 2.0]), np.array([3.0, 1.0])).cells(np.zeros(1))
    assert (w.tolist(), wv.tolist(), wvv.tolist()) == ([4.0], [5.0], [7.0])


def test_a_threshold_splits_an_interval():
    cells = Density(np.array([[-1.0, 1.0]]), np.array([4.0])).cells(np.array([-2.0, 1.0]))
    assert cells[0].tolist() == [1.0, 3.0]  # cut at -0.5
    assert cells[1].tolist() == pytest.approx([-0.75, 0.75])
    assert cells[2].sum() == pytest.approx(4 / 3)


def test_a_wide_interval_is_rounded_with_the_error_of_even_steps():
    codebook = np.arange(-3.5, 4)
    assert Density(np.array([[-4.0, 4.0]]), np.ones(1)).error(codebook) == pytest.approx(1 / 12)


def test_quantiles_of_weights():
    density = atoms(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0]))
    assert density.quantiles(np.array([0.0, 0.2, 0.5, 0.8, 1.0])).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("source", [NORMAL, LAPLACE, StudentT.unit(5)])
def test_sources_have_weight_and_rms_one(source):
    w, wv, wvv = source_density(source).cells(np.zeros(1))[:, 0]
    assert (w, wv, wvv) == pytest.approx((1, 0, 1), abs=2e-4)


EXACT = {  # by integration of the true densities
    "normal": [0.34345, 0.18599, 0.09749, 0.05005, 0.02538],
    "laplace": [0.42216, 0.23377, 0.12406, 0.06407, 0.03258],
    "t": [0.45623, 0.26444, 0.14452, 0.07594, 0.03899],
}


@pytest.mark.parametrize("family", EXACT)
def test_relative_errors_are_exact_to_the_published_digits(family):
    form = parse(f"{family}:2/tensor/rms")
    density = source_density(form.element.source())
    errors = [density.error(parse(f"{family}:{bits}/tensor/rms").codebook) ** 0.5 for bits in range(2, 7)]
    assert errors == pytest.approx(EXACT[family], abs=1.5e-5)


@pytest.mark.parametrize(("base", "low", "high"), [("absmax", 1 / 128, 1 / 128), ("signmax", 0, 1 / 64)])
def test_blocks_have_their_end_points(base, low, high):
    w = block_density(NORMAL, 64, base).cells(np.array([-1.0, -1 + 1e-9, 1 - 1e-9, 1.0]))[0]
    assert w.sum() == pytest.approx(1)
    assert (w[0], w[-1]) == pytest.approx((low, high), abs=1e-8)
