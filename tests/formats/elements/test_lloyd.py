"""lloyd: known optima, and any weights whatsoever."""

import numpy as np
import pytest

from tabulae.formats import encode, parse
from tabulae.formats.density import atoms, source_density
from tabulae.formats.distributions import LAPLACE, NORMAL, StudentT
from tabulae.formats.elements.lloyd import lloyd_max

T5 = StudentT.unit(5)
ERRORS = [  # mean squared errors of the optimum
    (NORMAL, [0.117482, 0.034548, 0.009501, 0.0025047, 0.00064424]),
    (LAPLACE, [0.176195, 0.054476, 0.015373]),
    (T5, [0.184641, 0.064416, 0.019874]),
]


@pytest.mark.parametrize(("source", "errors"), ERRORS)
def test_it_finds_the_optimum(source, errors):
    density = source_density(source)
    got = [density.error(lloyd_max(density, 2**bits)) for bits, _ in enumerate(errors, 2)]
    assert got == pytest.approx(errors, rel=1e-3)


@pytest.mark.parametrize(("bits", "upper"), [(2, [0.4528, 1.5104]), (3, [0.2451, 0.7560, 1.3439, 2.1519])])
def test_codepoints_before_weights_are_known(bits, upper):
    codebook = parse(f"lloyd:{bits}/row/rms").codebook
    np.testing.assert_allclose(codebook[len(upper) :], upper, atol=1.5e-4)


def test_blocks_do_not_waste_a_codepoint_on_the_very_end():
    codebook = parse("lloyd:4/g32/absmax").codebook
    np.testing.assert_allclose(codebook[8:], [0.05, 0.15, 0.255, 0.365, 0.485, 0.615, 0.77, 0.97], atol=0.015)


def test_a_lone_far_weight_does_not_keep_a_codepoint():
    x = np.sort(np.append(np.random.default_rng(3).standard_normal(100_000), 30.0))
    found = lloyd_max(atoms(x, np.ones(len(x))), 8)
    np.testing.assert_allclose(found, parse("lloyd:3/row/rms").codebook, atol=0.05)


def test_fewer_values_than_codepoints():
    values = np.array([-1.0, 0.25, 3.0])
    found = lloyd_max(atoms(values, np.array([1.0, 2.0, 3.0])), 16)
    np.testing.assert_allclose(found, values)


@pytest.mark.parametrize("scale", ["rms", "absmax", "search"])
@pytest.mark.parametrize("granularity", ["tensor", "row", "g32"])
def test_weights_of_few_values_are_kept(scale, granularity):
    x = np.random.default_rng(0).choice(np.array([-2.0, -1.0, 0.5, 2.0], np.float32), (64, 128))
    decoded = encode(parse(f"lloyd:2/{granularity}/{scale}"), x).decode()
    assert np.linalg.norm(decoded - x) < 0.02 * np.linalg.norm(x) or (granularity, scale) == ("g32", "rms")


def test_it_fits_the_weights_it_is_given():
    x = np.random.default_rng(1).uniform(-1, 1, (64, 256)).astype(np.float32)
    error = {n: np.linalg.norm(encode(parse(n), x).decode() - x) for n in ("lloyd:3/tensor/rms", "normal:3/tensor/rms")}
    assert error["lloyd:3/tensor/rms"] < 0.8 * error["normal:3/tensor/rms"]
    assert error["lloyd:3/tensor/rms"] == pytest.approx(2 / 8 / 12**0.5 * x.size**0.5, rel=0.05)  # even steps of 1/4


def test_importance_draws_codepoints():
    x = np.random.default_rng(2).uniform(-1, 1, (64, 256)).astype(np.float32)
    x[:, 64:] = 0.3 + x[:, 64:] / 5  # most weights lie between 0.1 and 0.5
    importance = np.repeat([1.0, 0.0], [64, 192]).astype(np.float32)
    form = parse("lloyd:3/tensor/absmax")
    plain, weighted = encode(form, x).decode(), encode(form, x, importance).decode()
    assert np.square(weighted - x)[:, :64].sum() < 0.8 * np.square(plain - x)[:, :64].sum()
