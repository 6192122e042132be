"""Errors against float64 over dense samples, behaviour at edges, and the exact bits of a few values."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

from tabulae.arithmetic import polynomials
from tabulae.arithmetic.arrays import Float32s

TINY = np.geomspace(1e-37, 1, 100_001, dtype=np.float32)
CASES = [
    (polynomials.exp, np.exp, np.linspace(-87.3125, 88.6875, 500_001), 1.0),
    (polynomials.exp, np.exp, np.linspace(-1, 1, 200_001), 1.0),
    (polynomials.tanh, np.tanh, np.linspace(-12, 12, 500_001), 1.5),
    (polynomials.tanh, np.tanh, TINY, 1.5),
    (polynomials.erf, special.erf, np.linspace(-5, 5, 500_001), 1.5),
    (polynomials.erf, special.erf, TINY, 1.5),
    (polynomials.sin, np.sin, np.linspace(-(2**20), 2**20, 500_001), 0.501),
    (polynomials.cos, np.cos, np.linspace(-(2**20), 2**20, 500_001), 0.501),
    (polynomials.sin, np.sin, np.linspace(-8, 8, 200_001), 0.501),
    (polynomials.cos, np.cos, np.linspace(-8, 8, 200_001), 0.501),
    (polynomials.sin, np.sin, TINY, 0.501),
    (polynomials.sin, np.sin, np.arange(600_000) * (np.pi / 2), 0.501),  # nearest to the zeros
    (polynomials.cos, np.cos, np.arange(600_000) * (np.pi / 2), 0.501),
]


@pytest.mark.parametrize(("own", "exact", "x", "ulps"), CASES)
def test_error_in_units_of_the_last_place(
    own: Callable[[Float32s], Float32s], exact: Callable[[np.ndarray], np.ndarray], x: np.ndarray, ulps: float
) -> None:
    single = np.float32(x)
    expected = exact(single.astype(np.float64))
    result = own(single)
    assert result.dtype == np.float32
    unit = np.spacing(np.abs(np.float32(expected))).astype(np.float64)
    assert (np.abs(result - expected) / unit).max() <= ulps


def test_exp_at_its_edges() -> None:
    x = np.float32([0, -0.0, -np.inf, np.inf, -88, 89, -87.3125, 88.6875])
    result = polynomials.exp(x)
    assert result[:6].tolist() == [1, 1, 0, np.inf, 0, np.inf]
    assert not np.signbit(result[4]) and result[6] > np.finfo(np.float32).tiny and np.isfinite(result[7])


@pytest.mark.parametrize("function", [polynomials.tanh, polynomials.erf])
def test_odd_functions_keep_sign_and_saturate(function: Callable[[Float32s], Float32s]) -> None:
    result = function(np.float32([0, -0.0, 1e30, -1e30, np.inf, -np.inf]))
    assert result.tolist() == [0, 0, 1, -1, 1, -1]
    assert np.signbit(result).tolist() == [False, True, False, True, False, True]


@pytest.mark.parametrize("function", [polynomials.exp, polynomials.tanh, polynomials.erf])
def test_nan_stays_nan(function: Callable[[Float32s], Float32s]) -> None:
    assert np.isnan(function(np.float32([np.nan]))).all()


@pytest.mark.parametrize("function", [polynomials.tanh, polynomials.erf])
def test_monotone_where_the_pieces_meet(function: Callable[[Float32s], Float32s]) -> None:
    """A step down at the joint would be visible; one ulp of rounding is not counted."""
    x = np.linspace(0.5, 1.5, 200_001, dtype=np.float32)
    y = function(x)
    assert (y[1:] - y[:-1]).min() >= -2 * np.spacing(np.float32(0.9))


def test_sine_and_cosine_of_the_same_quadrants() -> None:
    assert polynomials.sin(np.float32([0, -0.0])).tolist() == [0, 0]
    assert polynomials.cos(np.float32([0, -0.0])).tolist() == [1, 1]


def test_the_bits_never_change() -> None:
    """Kernels in C++ repeat these operations: a change here must be made there too."""
    x = np.float32([-3.7, -0.6, -0.01, 0.3, 1.1, 2.9, 11.25])
    bits = {
        name: [hex(u) for u in getattr(polynomials, name)(x).view(np.uint32).tolist()]
        for name in ("exp", "tanh", "erf", "sin", "cos")
    }
    assert bits == EXPECTED


EXPECTED = {
    "exp": ["0x3cca88fe", "0x3f0c7eeb", "0x3f7d73e8", "0x3facc82c", "0x40404442", "0x419164a7", "0x479627f6"],
    "tanh": ["0xbf7fafee", "0xbf097c15", "0xbc23d5a4", "0x3e9526ee", "0x3f4ced81", "0x3f7e745f", "0x3f800000"],
    "erf": ["0xbf7ffffd", "0xbf1a9650", "0xbc38de13", "0x3ea841c5", "0x3f61551f", "0x3f7ffd4e", "0x3f800000"],
    "sin": ["0x3f07a358", "0xbf108c69", "0xbc23d657", "0x3e974e6d", "0x3f64262b", "0x3e74fdc0", "0xbf77c244"],
    "cos": ["0xbf591d15", "0x3f534932", "0x3f7ffcb9", "0x3f7490ef", "0x3ee83dbf", "0xbf7890b7", "0x3e80dd77"],
}
