"""Every table kernel, every ISA: the integers of the NumPy reference, compared with ==."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae import _native
from tabulae.arithmetic.activations import ActivationCodes
from tabulae.arithmetic.linear import accumulate
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.runtime.binding import add_weight, pack_matrix

KERNELS = [(isa, lookup) for isa in _native.isas() for lookup in (False, True)]


def random_matrix(rng, rows, cols, bits, group=None, wide=False, outliers=0, exponents=4, extreme=False):
    most = 8191 if wide else 127
    used = 2**bits - (bits == 8 and not wide)  # 255 codepoints at most for int8
    book = np.zeros(2**bits, np.int16)
    book[:used] = np.sort(rng.choice(np.arange(-most, most + 1), used, replace=False))
    codes = rng.integers(0, used, (rows, cols)).astype(np.uint8)
    if extreme:
        book[0], book[used - 1] = -most, most
        codes = rng.choice(np.array([0, used - 1], np.uint8), (rows, cols))
    multipliers = None
    if group:
        multipliers = rng.integers(-127, 128, (rows, -(-cols // group))).astype(np.int8)
    sparse = None
    if outliers:
        at = np.sort(rng.choice(rows * cols, min(outliers, rows * cols), replace=False))
        offsets = np.searchsorted(at, np.arange(rows + 1) * cols)
        values = rng.integers(-(2**19), 2**19, len(at)).astype(np.int32)
        sparse = Outliers(offsets.astype(np.int64), (at % cols).astype(np.uint16), values)
    scales = np.full(rows, 0.5, np.float32)
    return TableMatrix(codes, book, scales, multipliers, group or cols, sparse, exponents)


def random_codes(rng, n, cols, exponents, extreme=False):
    blocks = -(-cols // 32)
    codes = rng.integers(-127, 128, (n, blocks * 32)).astype(np.int8)
    if extreme:
        codes = rng.choice(np.array([-127, 127], np.int8), codes.shape)
    codes[:, cols:] = 0
    exponent = np.full((n, blocks), exponents) if extreme else rng.integers(0, exponents + 1, (n, blocks))
    return ActivationCodes(codes, exponent.astype(np.uint8), np.ones(n, np.float32))


def assert_all_equal(matrix, codes):
    native = _native.Model()
    index = add_weight(native, pack_matrix("w", matrix))
    expected = accumulate(matrix, codes)
    for isa, lookup in KERNELS:
        got = native.accumulate(index, codes.codes, codes.exponents, lookup, isa)
        np.testing.assert_array_equal(got, expected, err_msg=f"{isa} lookup={lookup}")


@pytest.mark.parametrize("wide", [False, True], ids=["int8", "int16"])
@pytest.mark.parametrize("bits", range(1, 9))
def test_every_bit_width(bits, wide):
    rng = np.random.default_rng(bits)
    for group in (None, 32, 64):
        assert_all_equal(random_matrix(rng, 37, 161, bits, group, wide), random_codes(rng, 5, 161, 4))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_extreme_codes_reach_the_proved_widths(bits):
    rng = np.random.default_rng(0)
    for group in (None, 96):
        matrix = random_matrix(rng, 16, 1536, bits, group, extreme=True, exponents=7)
        assert_all_equal(matrix, random_codes(rng, 4, 1536, 7, extreme=True))


def test_chunks_shorter_than_a_group():
    rng = np.random.default_rng(0)
    matrix = random_matrix(rng, 16, 4096, 4, None, wide=True, extreme=True)
    assert pack_matrix("w", matrix).record.chunk == 4
    assert_all_equal(matrix, random_codes(rng, 2, 4096, 4, extreme=True))


def test_codes_without_a_table():
    """int:8: the codepoint is the code less 127."""
    rng = np.random.default_rng(0)
    book = np.append(np.arange(-127, 128), 0).astype(np.int16)
    codes = rng.integers(0, 255, (33, 100)).astype(np.uint8)
    assert_all_equal(TableMatrix(codes, book, np.ones(33, np.float32), None, 100), random_codes(rng, 3, 100, 4))


def test_the_last_code_of_eight_bits_stands_for_nothing():
    """int:8 has 255 codepoints: code 255, which only an altered file holds, is 0 for every kernel."""
    rng = np.random.default_rng(0)
    book = np.append(np.arange(-127, 128), 0).astype(np.int16)
    codes = np.full((20, 70), 255, np.uint8)
    codes[3, 5] = 200
    assert_all_equal(TableMatrix(codes, book, np.ones(20, np.float32), None, 70), random_codes(rng, 3, 70, 4))


@pytest.mark.parametrize("wide", [False, True], ids=["int8", "int16"])
def test_every_number_of_positions(wide):
    """Whole tiles of any kernel, and their rests."""
    rng = np.random.default_rng(0)
    matrix = random_matrix(rng, 37, 161, 4, 64, wide, outliers=30)
    for n in (*range(1, 10), 63, 64, 65, 127, 128, 131):
        assert_all_equal(matrix, random_codes(rng, n, 161, 4))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 200), st.integers(1, 8), st.sampled_from([None, 32, 64, 96]),
    st.booleans(), st.integers(1, 9), st.integers(0, 40), st.integers(0, 7), st.integers(0, 2**32),
)  # fmt: skip
def test_any_shape(rows, cols, bits, group, wide, n, outliers, exponents, seed):
    rng = np.random.default_rng(seed)
    exponents = min(exponents, 4) if wide else exponents  # int16 codepoints: a block sum is proved up to E = 4
    matrix = random_matrix(rng, rows, cols, bits, group, wide, outliers, exponents)
    assert_all_equal(matrix, random_codes(rng, n, cols, exponents))
