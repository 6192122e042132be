"""Gains: their definitions, on real codes, and their limits."""

import numpy as np
import pytest

from tabulae.formats import encode, parse
from tabulae.formats.gain import gain_factors, limited, tensor_products

NAMES = ["normal:3/g64/signmax", "int:3/row/absmax", "t:4/tensor/rms", "lloyd:2/g32/absmax", "ternary/row/search"]


def pair(name, gain, importance=None):
    x = np.random.default_rng(7).standard_normal((9, 200)).astype(np.float32)
    x *= np.linspace(0.1, 3, 9, dtype=np.float32)[:, None]
    return x.astype(np.float64), encode(parse(f"{name}/gain={gain}"), x, importance).decode().astype(np.float64)


def rows(name, *products):
    """Sums per row, or over all rows where they share one scale."""
    axis = None if "tensor" in name else 1
    return [product.sum(axis=axis) for product in products]


@pytest.mark.parametrize("name", NAMES)
def test_unbiased_keeps_the_inner_product(name):
    w, decoded = pair(name, "unbiased")
    got, wanted = rows(name, decoded * w, w * w)
    np.testing.assert_allclose(got, wanted, rtol=2**-8)


@pytest.mark.parametrize("name", NAMES)
def test_ls_leaves_an_error_without_a_part_along_the_codes(name):
    w, decoded = pair(name, "ls")
    along, energy = rows(name, (w - decoded) * decoded, decoded * decoded)
    np.testing.assert_allclose(along / energy, 0, atol=2**-8)


@pytest.mark.parametrize("gain", ["ls", "unbiased"])
def test_importance_weighs_the_inner_products(gain):
    importance = np.random.default_rng(8).random(200).astype(np.float32)
    w, decoded = pair("int:2/row/rms", gain, importance)
    other = decoded if gain == "ls" else w
    np.testing.assert_allclose(
        (importance * (w - decoded) * other).sum(axis=1) / (importance * w * w).sum(axis=1), 0, atol=2**-7
    )


def test_ls_loses_less_and_unbiased_is_longer():
    w, ls = pair("normal:2/g64/absmax", "ls")
    _, unbiased = pair("normal:2/g64/absmax", "unbiased")
    assert np.linalg.norm(ls - w) < np.linalg.norm(unbiased - w)
    assert np.linalg.norm(ls) < np.linalg.norm(unbiased)


def test_a_row_is_not_blown_up():
    x = np.full((1, 256), 0.01, np.float32)
    x[0, 0] = 1
    decoded = encode(
        parse("ternary/row/absmax/gain=unbiased"), x
    ).decode()  # one weight of 256 is left: <w, w> = 1.0255
    assert decoded[0, 0] == 1.0234375 and not decoded[0, 1:].any()
    x[0] = 0.49  # nearly all energy is lost: unbiased would want 60 times the scale
    x[0, 0] = 1
    assert encode(parse("ternary/row/absmax/gain=unbiased"), x).decode()[0, 0] == 2


def test_least_squares_shrinks_a_row_that_is_nearly_lost():
    """One 1 among zeros on a codebook without a zero: the error never exceeds the weights."""
    x = np.zeros((6, 10), np.float32)
    x[2, 3] = 1
    for name in ("t:2/tensor/absmax", "normal:2/tensor/absmax"):
        assert np.linalg.norm(encode(parse(name), x).decode() - x) <= 1 + 1e-6


def test_factors_and_limits():
    assert gain_factors(np.array([[1.0, 0.0], [2.0, 0.0]]))[0] == 0.5
    before = np.array([1.0, 1.0, 1.0, 0.0], np.float32)
    wanted = np.array([0.1, 30.0, np.nan, np.nan])
    assert limited(wanted, before, "unbiased").tolist() == pytest.approx([0.1, 2.0, 1.0, 0.0])
    assert limited(wanted, before, "ls").tolist() == pytest.approx([0.1, 30.0, 1.0, 0.0])
    assert tensor_products(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[3.0], [7.0]]
