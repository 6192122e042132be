"""Activation codes: the definition, its edges, and how near they come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tabulae.arithmetic.activations import encode
from tabulae.errors import ModelError, UsageError


def plain(x: np.ndarray, exponents: int) -> tuple[np.ndarray, np.ndarray, np.float32]:
    """The definition for one position, block by block."""
    x = np.pad(x, (0, -len(x) % 32))
    m = np.abs(x).max()
    if m < 2.0**-100:
        return np.zeros(len(x), np.int8), np.zeros(len(x) // 32, np.uint8), np.float32(0)
    codes, shifts = [], []
    for block in x.reshape(-1, 32):
        k = max(k for k in range(exponents + 1) if float(np.abs(block).max()) * 2.0**k <= float(m))
        codes.append(np.rint((block * (np.float32(127) / m)) * np.float32(2**k)))
        shifts.append(exponents - k)
    return np.concatenate(codes), np.array(shifts), m / np.float32(127) * np.float32(2.0**-exponents)


@given(
    arrays.arrays(np.float32, st.integers(1, 100), elements=st.floats(-(2.0**100), 2.0**100, width=32)),
    st.integers(0, 7),
)
def test_equals_the_definition(x: np.ndarray, exponents: int) -> None:
    encoded = encode(x[None], exponents)
    codes, shifts, scale = plain(x, exponents)
    np.testing.assert_array_equal(encoded.codes[0], codes)
    np.testing.assert_array_equal(encoded.exponents[0], shifts)
    assert encoded.scales[0] == scale
    assert (encoded.codes.dtype, encoded.exponents.dtype, encoded.scales.dtype) == (np.int8, np.uint8, np.float32)


@given(arrays.arrays(np.float32, (2, 70), elements=st.floats(-1e6, 1e6, width=32)))
def test_no_code_reaches_128_and_the_error_is_half_a_step(x: np.ndarray) -> None:
    encoded = encode(x, 4)
    assert encoded.codes.min() >= -127
    steps = np.repeat(encoded.scales[:, None] * 2.0**encoded.exponents, 32, axis=1)[:, :70]
    assert (np.abs(encoded.decode(70) - x) <= steps * 0.50002 + 2.0**-101).all()


def test_quiet_blocks_keep_their_digits() -> None:
    x = np.zeros((1, 96), np.float32)
    x[0, 0], x[0, 32], x[0, 64] = 8, 1, 0.001
    assert encode(x, 4).exponents.tolist() == [[4, 1, 0]]
    assert encode(x, 0).exponents.tolist() == [[0, 0, 0]]


def test_zero_and_nearly_zero_inputs() -> None:
    x = np.float32([[0] * 40, [2.0**-101] * 40, [2.0**-100] * 40])
    encoded = encode(x, 4)
    assert encoded.scales[:2].tolist() == [0, 0] and encoded.scales[2] > 0
    assert not encoded.codes[:2].any() and not encoded.exponents[:2].any()
    assert encoded.codes[2, 39] == 127 and not encoded.codes[2, 40:].any()


def test_the_largest_floats_do_not_overflow() -> None:
    largest = np.finfo(np.float32).max
    encoded = encode(np.float32([[largest] * 32 + [-largest] * 32]), 7)
    assert set(encoded.codes.ravel().tolist()) == {127, -127}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    x = np.zeros((2, 40), np.float32)
    x[1, 33] = bad
    with pytest.raises(ModelError, match=r"finite, but got -?(nan|inf) in column 33"):
        encode(x, 4)


@pytest.mark.parametrize("exponents", [-1, 8])
def test_exponents_are_limited(exponents: int) -> None:
    with pytest.raises(UsageError, match=r"0\.\.7"):
        encode(np.zeros((1, 32), np.float32), exponents)
