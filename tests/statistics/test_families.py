import numpy as np
import pytest

from tabulae.statistics.families import fit_family

rng = np.random.default_rng(11)
N = 1 << 17


def test_normal() -> None:
    fit = fit_family(np.float32(0.03) * rng.standard_normal(N, np.float32))
    assert (fit.family, fit.nu) == ("normal", None)
    assert fit.scale == pytest.approx(0.03, rel=0.01)
    assert fit.normal == pytest.approx(-1.41894, abs=1e-5) and fit.t == pytest.approx(fit.normal, abs=1e-3)


def test_laplace() -> None:
    fit = fit_family(rng.laplace(scale=7, size=N).astype(np.float32))
    assert (fit.family, fit.nu) == ("laplace", None)
    assert fit.scale == pytest.approx(7, rel=0.02)


@pytest.mark.parametrize("nu", [1.5, 3, 5, 20])
def test_student_t(nu: float) -> None:
    fit = fit_family((2 * rng.standard_t(nu, N)).astype(np.float32))
    assert fit.family == "t"
    assert fit.nu == pytest.approx(nu, rel=0.15 if nu > 10 else 0.05)
    assert fit.scale == pytest.approx(2, rel=0.02)


def test_likelihoods_agree_with_scipy() -> None:
    from scipy import stats

    x = rng.standard_t(4, 20_000).astype(np.float32)
    fit = fit_family(x)
    y = x.astype(np.float64) / np.sqrt(np.square(x, dtype=np.float64).mean())
    assert fit.normal == pytest.approx(stats.norm.logpdf(y).mean(), abs=1e-6)
    assert fit.laplace == pytest.approx(stats.laplace.logpdf(y, scale=np.abs(y).mean()).mean(), abs=1e-6)
    nu, _, scale = stats.t.fit(y, floc=0)
    assert fit.t == pytest.approx(stats.t.logpdf(y, nu, scale=scale).mean(), abs=1e-4)
    assert fit.t_nu == pytest.approx(nu, rel=0.03)


def test_zeros_are_left_out_and_a_scale_changes_nothing() -> None:
    x = rng.standard_t(5, N).astype(np.float32)
    fit = fit_family(x)
    assert fit_family(np.concatenate([x, np.zeros(3 * N, np.float32)])) == fit
    assert fit_family(x * np.float32(2**-40)).t_nu == fit.t_nu


def test_nothing_to_fit() -> None:
    assert fit_family(np.zeros(5, np.float32)) is None


@pytest.mark.parametrize("x", [[1.0], [1, 1, -1], [1e-45, 1e-45]])
def test_few_or_equal_weights_give_finite_figures(x) -> None:
    fit = fit_family(np.float32(x))
    assert np.isfinite([fit.scale, fit.normal, fit.laplace, fit.t]).all()
