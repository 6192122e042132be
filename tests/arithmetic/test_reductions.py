"""The order of sums: 16 lanes, then a tree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.arithmetic.reductions import LANES, lanes_sum


def plain(x: np.ndarray) -> np.float32:
    """The definition, one addition after the other."""
    lanes = [np.float32(0)] * LANES
    for i, value in enumerate(x):
        lanes[i % LANES] = lanes[i % LANES] + value
    for half in (8, 4, 2, 1):
        lanes = [lanes[i] + lanes[i + half] for i in range(half)]
    return lanes[0]


@given(st.lists(st.floats(-(2.0**40), 2.0**40, width=32), max_size=100))
def test_equals_the_definition_bit_by_bit(values: list[float]) -> None:
    x = np.array(values, np.float32)
    assert lanes_sum(x).tobytes() == plain(x).tobytes()


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 31, 32, 33, 576])
def test_any_axis_and_length(n: int) -> None:
    x = np.random.default_rng(n).standard_normal((3, n, 2)).astype(np.float32)
    result = lanes_sum(x, axis=1)
    assert result.shape == (3, 2) and result.dtype == np.float32
    assert all(result[i, j] == plain(x[i, :, j]) for i in range(3) for j in range(2))


def test_an_empty_sum_and_negative_zeros_are_positive_zero() -> None:
    assert not np.signbit(lanes_sum(np.empty(0, np.float32)))
    assert not np.signbit(lanes_sum(np.full(40, -0.0, np.float32)))


def test_trailing_zeros_change_nothing() -> None:
    x = np.random.default_rng(0).standard_normal(45).astype(np.float32)
    assert lanes_sum(np.pad(x, (0, 19))) == lanes_sum(x)
