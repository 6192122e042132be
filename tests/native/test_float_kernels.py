"""Float kernels on every ISA give the bits of the NumPy reference."""

import numpy as np
import pytest

from tabulae import _native
from tabulae.arithmetic import activations, polynomials
from tabulae.arithmetic.rotation import random_rotation

ISAS = _native.isas()
EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.625,
    4.0,
    10.0,
    87.3125,
    -87.3125,
    88.6875,
    88.7,
    -200.0,
    1e-30,
    np.inf,
    -np.inf,
    np.nan,
]


def samples(name):
    rng = np.random.default_rng(0)
    wide = rng.uniform(-100, 100, 20_000) if name in ("exp", "tanh", "erf") else rng.uniform(-(2**20), 2**20, 20_000)
    small = rng.standard_normal(20_000) * np.exp2(rng.integers(-30, 4, 20_000))
    edges = EDGES if name in ("exp", "tanh", "erf") else [0.0, -0.0, 1.0, 2.0**20]
    return np.concatenate([wide, small, edges]).astype(np.float32)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", ["exp", "tanh", "erf", "sin", "cos"])
def test_polynomials(name, isa):
    x = samples(name)
    expected = getattr(polynomials, name)(x)
    np.testing.assert_array_equal(_native.polynomial(name, x, isa).view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("exponents", [0, 1, 4, 7])
@pytest.mark.parametrize("cols", [1, 15, 32, 33, 100, 576])
def test_activation_codes(cols, exponents, isa):
    rng = np.random.default_rng(cols)
    x = (rng.standard_normal((9, cols)) * np.exp2(rng.integers(-12, 4, (9, cols)))).astype(np.float32)
    x[1] = 0
    x[2] *= np.float32(2.0**-110)
    x[3, : cols // 2] = 0
    x[4] = np.float32(3e38)
    codes, exponent, scales = _native.encode(x, exponents, isa)
    expected = activations.encode(x, exponents)
    np.testing.assert_array_equal(codes, expected.codes)
    np.testing.assert_array_equal(exponent, expected.exponents)
    np.testing.assert_array_equal(scales, expected.scales)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite_are_refused(bad, isa):
    x = np.ones((1, 40), np.float32)
    x[0, 37] = bad
    with pytest.raises(ValueError, match="finite"):
        _native.encode(x, 4, isa)


@pytest.mark.parametrize("cols", [4, 12, 18, 36, 60, 576, 1536])
def test_rotation(cols):
    rotation = random_rotation(cols, seed=1)
    x = np.random.default_rng(0).standard_normal((3, cols)).astype(np.float32)
    from tabulae.arithmetic.hadamard import hadamard

    dense = [hadamard(f).astype(np.float32) for f in rotation.factors if f % 2 == 0 and f & (f - 1)]
    signs = np.where(rotation.signs, np.float32(-1), np.float32(1))
    got = _native.rotate(x, signs, list(rotation.factors), dense)
    np.testing.assert_array_equal(got.view(np.uint32), rotation.rotate(x).view(np.uint32))


def test_an_unknown_isa_is_refused():
    with pytest.raises(ValueError, match="accepted: "):
        _native.selected_isa("mmx")


def test_the_environment_overrides_the_isa(monkeypatch):
    monkeypatch.setenv("TABULAE_ISA", "generic")
    assert _native.selected_isa() == "generic"
