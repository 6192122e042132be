"""Width proofs against the definition with Python's integers, and against the worst inputs themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.arithmetic.activations import ActivationCodes
from tabulae.arithmetic.linear import accumulate
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.arithmetic.widths import prove
from tabulae.errors import UsageError


def constant(value: int, rows: int = 1, cols: int = 64, **more: object) -> TableMatrix:
    """A matrix whose every codepoint is ``value``, its exponents 4 unless told."""
    options = {"multipliers": None, "group": cols, **more}
    codebook = np.array([value, 0], np.int16)
    return TableMatrix(np.zeros((rows, cols), np.uint8), codebook, np.ones(rows, np.float32), **options)


def test_a_row_of_127() -> None:
    """18 blocks of 32 * 127 * 127 * 2^4 = 8,258,048: all 18 fit int32."""
    widths = prove(constant(127, cols=576))
    assert (widths.chunk, widths.accumulator) == (32, 32)
    assert widths.panels.tolist() == [(18 * 32 * 127 * 127 * 16).bit_length()] and widths.panels.dtype == np.uint8


@pytest.mark.parametrize(("blocks", "chunk"), [(1, 1), (2, 2), (3, 4), (256, 256), (260, 512), (261, 256), (600, 256)])
def test_chunks_are_powers_of_two_and_stop_at_int32(blocks: int, chunk: int) -> None:
    """260 blocks of 8,258,048 are the most that fit: 2,147,092,480 of 2,147,483,647."""
    widths = prove(constant(-127, cols=32 * blocks))
    assert widths.chunk == chunk and widths.accumulator == (32 if blocks <= 260 else 64)


def test_chunks_do_not_reach_into_the_next_group() -> None:
    matrix = constant(8191, cols=192, group=64, multipliers=np.int8([[1, -127, 3]]))
    block = 32 * 8191 * 127 * 16
    assert prove(matrix).chunk == 2 and prove(matrix).panels.tolist() == [(block * 2 * 131).bit_length()]


def test_the_narrowest_row_decides_the_chunk() -> None:
    matrix = constant(8191, rows=3, cols=320)
    matrix.codes[:2] = 1
    widths = prove(matrix)
    assert widths.chunk == 4 and widths.panels.tolist() == [(10 * 32 * 8191 * 127 * 16).bit_length()]


def test_outliers_count_in_the_row() -> None:
    outliers = Outliers(np.array([0, 0, 2]), np.uint16([1, 5]), np.int32([-1000, 7]))
    matrix = constant(0, rows=2, outliers=outliers)
    assert prove(matrix).panels.tolist() == [(1007 * 127 * 16).bit_length()]


@pytest.mark.parametrize(("value", "bits"), [(0, 0), (1, 7), (2, 8), (129, 14), (130, 15)])
def test_a_row_gets_the_fewest_bits(value: int, bits: int) -> None:
    """127 < 2^7, 127 * 129 = 16383 < 2^14, and 127 * 130 is above."""
    assert prove(constant(value, cols=1, exponents=0)).panels.tolist() == [bits]


def test_a_block_beyond_int32_is_refused() -> None:
    assert prove(constant(8191, cols=32, exponents=6)).chunk == 1
    with pytest.raises(UsageError, match="must fit int32, but got 4260892672"):
        prove(constant(8191, cols=32, exponents=7))


def test_a_row_beyond_2_53_is_refused() -> None:
    values = np.full(20_000, 2**31 - 1, np.int32)
    columns = np.arange(20_000, dtype=np.uint16)
    outliers = Outliers(np.array([0, 0, len(values)]), columns, values)
    with pytest.raises(UsageError, match=r"2\^53, but got .* in row 1"):
        prove(constant(0, rows=2, cols=20_000, outliers=outliers, exponents=7))


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 32, 64]), st.integers(0, 6))
def test_the_worst_input_stays_below_the_bound(seed: int, group: int | None, exponents: int) -> None:
    rng = np.random.default_rng(seed)
    groups = -(-150 // group) if group else 1
    matrix = TableMatrix(
        rng.integers(0, 8, (4, 150), dtype=np.uint8),
        np.sort(rng.integers(-8191, 8192, 8)).astype(np.int16),
        np.ones(4, np.float32),
        rng.integers(-128, 128, (4, groups)).astype(np.int8) if group else None,
        group or 150,
        exponents=exponents,
    )
    widths = prove(matrix)
    weights = matrix.decode()  # the integers themselves: every scale is 1
    largest = []
    for r in range(4):
        worst = np.pad(np.where(weights[r] < 0, -127, 127), (0, 10)).astype(np.int8)[None]
        codes = ActivationCodes(worst, np.full((1, 5), exponents, np.uint8), np.ones(1, np.float32))
        largest.append(int(accumulate(matrix, codes)[0, r]))
    assert widths.panels.tolist() == [max(largest).bit_length()]
    assert widths.accumulator == (32 if widths.panels.max() <= 31 else 64)


def test_every_sixteen_rows_have_a_width() -> None:
    matrix = constant(1, rows=35)
    matrix.codebook[:] = [0, 1]
    matrix.codes[16:32:5] = 1
    matrix.codes[34, :2] = 1
    assert prove(matrix).panels.tolist() == [0, (64 * 127 * 16).bit_length(), (2 * 127 * 16).bit_length()]
