"""Outliers: which weights they are, and how exactly they are stored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tabulae.arithmetic import matrix
from tabulae.errors import UsageError
from tabulae.formats import encode, parse
from tabulae.formats.outliers import largest, positions

ARRAYS = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-4, 4, width=16))


@given(ARRAYS, st.data())
def test_the_largest_magnitudes_with_ties_by_position(x, data):
    count = data.draw(st.integers(1, x.size))
    by_sorting = np.sort(np.argsort(-np.abs(x), axis=None, kind="stable")[:count])
    np.testing.assert_array_equal(largest(x, count), by_sorting)


def test_the_largest_do_not_depend_on_chunks(monkeypatch):
    x = np.round(np.random.default_rng(0).standard_normal((20, 30)), 1).astype(np.float32)
    whole = largest(x, 77)
    monkeypatch.setattr(matrix, "CHUNK", 1)
    np.testing.assert_array_equal(largest(x, 77), whole)


@pytest.mark.parametrize(
    ("share", "size", "count"), [(0.29, 100, 29), (0.07, 100, 7), (0.019, 100, 1), (0.0099, 100, 0)]
)
def test_a_share_means_what_is_written(share, size, count):
    assert len(positions(np.ones((1, size), np.float32), share)) == count


def test_too_many_columns():
    with pytest.raises(UsageError, match="at most 65536 columns"):
        encode(parse("int:4/row/absmax/sparse=0.5"), np.ones((1, 65537), np.float32))
    encode(parse("int:4/row/absmax/sparse=0.000001"), np.ones((1, 65537), np.float32))  # none: allowed


def test_a_small_example_in_full():
    x = np.array([[7.0, -3.0, 100.4, 1.0], [7.0, 7.0, 0.0, -50.0]], np.float32)
    encoded = encode(parse("int:4,sign=sym/row/absmax/sparse=0.25/gain=ls"), x)
    outliers = encoded.matrix.outliers
    assert outliers.offsets.tolist() == [0, 1, 2]
    assert outliers.columns.tolist() == [2, 3]
    assert encoded.codes.tolist() == [[15, 4, 7, 9], [15, 15, 7, 7]]  # an outlier: -1, the lower of the smallest
    scales = [0.455078125, 0.46484375]  # 129 / 283 and 210 / 451: 7 / 15 after least squares without the outliers
    assert encoded.matrix.scales.tolist() == scales
    units = np.rint(np.array([100.4, -50.0]) / scales)
    assert outliers.values.tolist() == (units + 1).tolist()
    assert encoded.decode()[[0, 1], [2, 3]].tolist() == (units * scales).tolist()
    assert encoded.bits == 8 * 4 + 2 * 16 + 3 * 32 + 2 * (16 + 16)


@pytest.mark.parametrize("name", ["normal:4/g32/signmax", "t:3/row/rms", "lloyd:3/tensor/search", "int:6/g64/search"])
def test_outliers_are_within_half_a_unit_and_help(name):
    rng = np.random.default_rng(9)
    x = rng.standard_normal((16, 96)).astype(np.float32)
    x[rng.random(x.shape) < 0.01] *= 30
    encoded = encode(parse(f"{name}/sparse=0.02"), x)
    decoded, outliers = encoded.decode(), encoded.matrix.outliers
    rows = np.repeat(np.arange(16), np.diff(outliers.offsets))
    off = np.abs(decoded - x)[rows, outliers.columns]
    scales = np.broadcast_to(encoded.matrix.scales, 16)[rows]
    assert len(rows) == int(0.02 * x.size) and np.all(off <= scales * 0.5001)
    assert np.linalg.norm(decoded - x) < 0.5 * np.linalg.norm(encode(parse(name), x).decode() - x)


def test_scales_do_not_see_outliers():
    x = np.tile(np.linspace(-1, 1, 32, dtype=np.float32), (4, 1))
    loud = x.copy()
    loud[:, 5] = 1000.0
    form = parse("int:4/g32/absmax/sparse=0.03125")
    quiet = parse("int:4/g32/absmax")
    scales = encode(form, loud).matrix.scales
    np.testing.assert_allclose(scales, encode(quiet, x).matrix.scales, rtol=0.01)


def test_a_row_of_nothing_but_an_outlier_is_kept():
    x = np.zeros((3, 64), np.float32)
    x[1, 7] = 0.3
    encoded = encode(parse("normal:4/g32/signmax/sparse=0.006"), x)  # one of 192
    assert encoded.decode()[1, 7] == pytest.approx(0.3, rel=2**-22)
    np.testing.assert_array_equal(np.delete(encoded.decode().reshape(-1), 71), 0)


def test_an_outlier_far_beyond_its_row_raises_the_scale():
    x = np.full((1, 64), 1e-20, np.float32)
    x[0, 0] = 1.0
    encoded = encode(parse("int:4/row/absmax/sparse=0.02"), x)
    assert encoded.matrix.scales[0] >= 2.0**-23
    assert encoded.decode()[0, 0] == pytest.approx(1, rel=2**-22)


def test_outliers_that_are_zero():
    encoded = encode(parse("normal:4/row/rms/sparse=0.5"), np.zeros((2, 4), np.float32))
    assert not encoded.decode().any() and len(encoded.matrix.outliers.columns) == 4
