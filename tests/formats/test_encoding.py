"""Encoding: against the rules applied weight by weight, and on everything that is small, empty, huge or cut."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tabulae.arithmetic import matrix as matrices
from tabulae.arithmetic.bfloat16 import SMALLEST, round_bfloat16
from tabulae.formats import encode, parse

NAMES = [
    "int:8/row/absmax",
    "int:4,sign=sym/g32/rms",
    "int:3/g32/signmax",
    "int:2/tensor/search",
    "normal:4/g64/signmax",
    "normal:6/row/rms",
    "laplace:3,sign=asym/g32/search",
    "t:5,nu=7/row/absmax",
    "t:2/tensor/absmax",
    "lloyd:4/g32/absmax",
    "lloyd:3/tensor/rms",
    "lloyd:2/g64/signmax",
    "nf4/g64/search",
    "sf4/row/absmax",
    "e2m1/g32/absmax",
    "e3m0/tensor/rms",
    "ternary/g32/search",
    "normal:4/g32/absmax/sparse=0.05",
    "lloyd:5/row/search/sparse=0.01/gain=ls",
    "grid:3/row/rms",
    "grid:2.5/g32/rms",
    "grid:4,rd=0/tensor/rms/sparse=0.01",
]
BY_RULE = [
    "int:4/g32/signmax",
    "int:3,sign=sym/g32/absmax",
    "normal:4/g32/signmax",
    "t:6/g32/absmax",
    "laplace:4/g32/rms",
]
BY_RULE += ["int:8/row/absmax", "e2m1/row/rms", "nf4/row/absmax"]


def weights(rows=13, cols=100, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_t(5, (rows, cols)) * rng.uniform(0.01, 3, (rows, 1))).astype(np.float32)


def measured(values, base):
    """What the scale of one group measures, in Python floats."""
    if base == "rms":
        return (sum(v * v for v in values) / len(values)) ** 0.5
    largest = max(values, key=abs)  # the first of equals
    return largest if base == "signmax" else abs(largest)


def by_rule(form, row):
    """Scale before the gain, multipliers and codes of one row, by the rules, weight by weight."""
    integers, unit = form.stored.integers.tolist(), form.stored.unit
    cuts = range(0, len(row), form.group or len(row))
    groups = [[float(v) for v in row[cut : cut + (form.group or len(row))]] for cut in cuts]
    steps = [measured(group, form.base) * unit for group in groups]
    rounding = "away" if form.scale in ("absmax", "signmax") else "nearest"
    largest = max(map(abs, steps))
    scale = float(round_bfloat16(largest / 127 if form.group else largest, rounding))
    whole = (lambda q: int(np.copysign(np.ceil(abs(q)), q))) if rounding == "away" else (lambda q: int(np.rint(q)))
    multipliers = [whole(step / scale) if form.group else 1 for step in steps]
    codes = []
    for m, group in zip(multipliers, groups, strict=True):
        values = [Fraction(scale) * m * c for c in integers]  # exact
        codes += [min(range(len(values)), key=lambda k: abs(values[k] - Fraction(v))) for v in group]
    return scale, multipliers, codes


@pytest.mark.parametrize("name", BY_RULE)
def test_every_integer_follows_from_the_rules(name):
    x, form = weights(), parse(name)
    matrix = encode(form, x).matrix
    for r, row in enumerate(x):
        scale, multipliers, codes = by_rule(form, row)
        assert matrix.codes[r].tolist() == codes
        assert matrix.multipliers is None or matrix.multipliers[r].tolist() == multipliers
        assert 0.5 < matrix.scales[r] / scale < 2  # the gain


def test_a_small_example_in_full():
    x = np.zeros((2, 40), np.float32)
    x[0, :3] = [-8.0, 8.0, 3.0]
    x[0, 32:35] = [1.0, -2.0, 4.0]
    matrix = encode(parse("int:4/g32/signmax/gain=ls"), x).matrix
    assert matrix.codebook.tolist() == list(range(-7, 9))
    # Steps are -1 (a tie: the first) and 1/2; the row's scale is 1/127 rounded away; both |m| are rounded up.
    scale = 2**-7 * (1 + 2**-6)
    assert float(round_bfloat16(1 / 127, "away")) == scale
    assert matrix.multipliers.tolist() == [[-127, 64], [0, 0]]
    assert matrix.codes[0, [0, 1, 2, 3]].tolist() == [15, 0, 4, 7]  # 8, -7 (no -8), -3, 0
    assert matrix.codes[0, [32, 33, 34, 35]].tolist() == [9, 3, 15, 7]  # 2, -4, 8, 0
    assert matrix.codes[1].tolist() == [7] * 40
    assert matrix.scales[1] == 0
    w = x[0].astype(np.float64)
    c = (matrix.codes[0].astype(int) - 7) * np.repeat([-127, 64], 32)[:40]
    assert matrix.scales[0] == round_bfloat16(w @ c / (c @ c))


@pytest.mark.parametrize("name", NAMES)
def test_the_result_does_not_depend_on_how_it_is_cut(name, monkeypatch):
    x, importance = weights(), np.random.default_rng(1).random((13, 100)).astype(np.float32)
    whole = [encode(parse(name), x), encode(parse(name), x, importance)]
    monkeypatch.setattr(matrices, "CHUNK", 1)
    for before, after in zip(whole, [encode(parse(name), x), encode(parse(name), x, importance)], strict=True):
        np.testing.assert_array_equal(before.codes, after.codes)
        np.testing.assert_array_equal(before.matrix.codebook, after.matrix.codebook)
        np.testing.assert_array_equal(before.decode(), after.decode())


@pytest.mark.parametrize("name", NAMES)
def test_memory_order_does_not_matter_and_nothing_is_changed(name):
    x = weights()
    kept = x.copy()
    a, b = encode(parse(name), x), encode(parse(name), np.asfortranarray(x))
    np.testing.assert_array_equal(a.decode(), b.decode())
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("name", NAMES)
def test_zeros_stay_zeros(name):
    encoded = encode(parse(name), np.zeros((3, 40), np.float32))
    assert not encoded.decode().any() and not encoded.matrix.scales.any()
    assert encoded.matrix.multipliers is None or not encoded.matrix.multipliers.any()
    x = weights(5, 64)
    x[2] = 0
    x[4, :32] = 0
    decoded = encode(parse(name), x).decode()
    # One scale for a tensor cannot make a row of zeros where no codepoint is zero.
    if "/tensor/" not in name:
        assert not decoded[2].any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 31), (2, 33), (3, 64)])
def test_any_shape(name, shape):
    encoded = encode(parse(name), weights(*shape))
    assert encoded.decode().shape == shape and encoded.decode().dtype == np.float32
    matrix = encoded.matrix
    assert matrix.codes.dtype == np.uint8 and matrix.codebook.dtype == np.int16
    assert len(matrix.codebook) == 2**matrix.bits
    assert matrix.bits == encoded.format.element.bits or ("grid" in name and matrix.bits < 8)
    assert len(matrix.scales) == (1 if "/tensor/" in name else shape[0])
    if encoded.format.group:
        assert matrix.multipliers.shape == (shape[0], -(-shape[1] // encoded.format.group))
    else:
        assert matrix.multipliers is None and matrix.group == shape[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("magnitude", [2.0**-149, 2.0**-126, 1e-30, 1e25, 2.0**95])
def test_any_magnitude(name, magnitude):
    x = (weights(4, 64) / 16).astype(np.float64) * magnitude
    encoded = encode(parse(name), np.minimum(np.abs(x), 2.0**99).astype(np.float32) * np.sign(x).astype(np.float32))
    scales = encoded.matrix.scales
    assert np.isfinite(encoded.decode()).all() and np.isfinite(scales).all()
    assert np.all((scales >= SMALLEST) | (scales == 0))
    np.testing.assert_array_equal(scales, round_bfloat16(scales))


MATRICES = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=70), elements=st.floats(-8, 8, width=16)
)


@settings(max_examples=50, deadline=None)
@given(MATRICES)
def test_eight_bits_lose_at_most_half_a_step_of_rms(x):
    error = np.linalg.norm(encode(parse("int:8/row/absmax/gain=ls"), x).decode() - x.astype(np.float64), axis=1)
    # A step is the maximum over 127, rounded away by up to 2^-7; least squares only helps, but for its own rounding.
    step = np.abs(x).max(axis=1) / 127 * (1 + 2**-7)
    assert np.all(error <= step / 2 * x.shape[1] ** 0.5 + 2**-8 * np.linalg.norm(x, axis=1))


@settings(max_examples=50, deadline=None)
@given(MATRICES, st.sampled_from(NAMES))
def test_the_error_is_smaller_than_the_weights(x, name):
    decoded = encode(parse(f"{name.replace('/gain=ls', '')}/gain=ls"), x).decode().astype(np.float64)
    assert np.linalg.norm(decoded - x) <= np.linalg.norm(x) * (1 + 1e-6)


def test_importance_changes_nothing_where_nothing_is_weighed():
    x = weights()
    form = parse("normal:4/g32/absmax")
    plain, weighted = encode(form, x), encode(form, x, np.full(100, 3.0, np.float32))
    np.testing.assert_array_equal(plain.decode(), weighted.decode())
