"""Rows are decoded piece by piece into one array."""

import numpy as np
import pytest

from tabulae.errors import ModelError, UsageError
from tabulae.sources import _rows
from tabulae.sources._rows import read_rows


@pytest.fixture
def data():
    return np.arange(60, dtype=np.float32).reshape(10, 3, 2)


@pytest.mark.parametrize(
    "rows", [None, slice(0, 10), slice(2, 5), slice(9, None), slice(-3, None), slice(4, 4), slice(5, 2)]
)
@pytest.mark.parametrize("piece", [1, 12, 1 << 20])
def test_any_rows_in_any_pieces(data, rows, piece, monkeypatch):
    monkeypatch.setattr(_rows, "_PIECE", piece)
    asked = []

    def decode(first, last):
        asked.extend(range(first, last))
        return data[first:last]

    expected = data if rows is None else data[rows]
    result = read_rows("w", data.shape, rows, decode)
    assert np.array_equal(result, expected) and result.shape == expected.shape
    assert asked == list(range(10))[rows or slice(None)]
    assert result.flags.owndata and result.dtype == np.float32


def test_one_axis_is_decoded_whole():
    assert read_rows("norm", (4,), slice(1, 3), lambda *_: np.arange(4, dtype=np.float32)).tolist() == [1, 2]


def test_a_scalar():
    assert read_rows("s", (), None, lambda *_: np.float32([7])) == np.float32(7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_bad_weight_is_named(data, bad, monkeypatch):
    monkeypatch.setattr(_rows, "_PIECE", 12)
    data[7, 2, 1] = data[8, 0, 0] = bad
    with pytest.raises(ModelError, match=rf"\[w\] all weights must be finite, but got {bad} at \[7, 2, 1\]"):
        read_rows("w", data.shape, slice(1, None), lambda first, last: data[first:last])
    with pytest.raises(ModelError, match=r"nan at \[3\]"):
        read_rows("norm", (4,), slice(0, 1), lambda *_: np.array([1, 2, 3, np.nan], dtype=np.float32))


def test_steps_are_refused(data):
    with pytest.raises(UsageError, match="slice of the first axis with step 1"):
        read_rows("w", data.shape, slice(0, 4, 2), lambda first, last: data[first:last])
