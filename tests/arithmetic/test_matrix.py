"""TableMatrix: decoding is one exact integer, one conversion, one multiplication."""

from dataclasses import replace

import numpy as np
import pytest

from tabulae.arithmetic import matrix as module
from tabulae.arithmetic.matrix import Outliers, TableMatrix, row_chunks


@pytest.fixture
def grouped():
    rng = np.random.default_rng(1)
    return TableMatrix(
        codes=rng.integers(0, 16, (5, 70), dtype=np.uint8),
        codebook=np.sort(rng.choice(np.arange(-127, 128), 16, replace=False)).astype(np.int16),
        scales=np.array([0.5, 0.0, 1.0, 2.0**-20, 3.0], np.float32),
        multipliers=rng.integers(-127, 128, (5, 3)).astype(np.int8),
        group=32,
    )


def by_hand(matrix):
    """The definition, weight by weight, in Python integers."""
    out = np.zeros((matrix.rows, matrix.cols), np.float32)
    for r in range(matrix.rows):
        for j in range(matrix.cols):
            m = 1 if matrix.multipliers is None else int(matrix.multipliers[r, j // matrix.group])
            integer = m * int(matrix.codebook[matrix.codes[r, j]])
            if matrix.outliers is not None:
                here = slice(*matrix.outliers.offsets[r : r + 2])
                at = matrix.outliers.columns[here] == j
                integer += int(matrix.outliers.values[here][at].sum())
            out[r, j] = np.float32(integer) * matrix.scales[r % len(matrix.scales)]
    return out


def test_groups_with_a_short_last_one(grouped):
    assert (grouped.rows, grouped.cols, grouped.bits, grouped.groups) == (5, 70, 4, 3)
    np.testing.assert_array_equal(grouped.decode(), by_hand(grouped))


def test_one_scale_for_the_tensor(grouped):
    matrix = replace(grouped, scales=np.array([0.25], np.float32), multipliers=None, group=70)
    np.testing.assert_array_equal(matrix.decode(), by_hand(matrix))


def test_outliers_are_added_as_integers(grouped):
    outliers = Outliers(
        offsets=np.array([0, 2, 2, 3, 3, 4]),
        columns=np.array([0, 69, 33, 7], np.uint16),
        values=np.array([1_000_000, -5, 2**30 + 65, -3], np.int32),  # 2^30 + 65 - ... is no float32: rounded once
    )
    matrix = replace(grouped, outliers=outliers)
    np.testing.assert_array_equal(matrix.decode(), by_hand(matrix))


def test_rows_one_by_one(grouped):
    decoded = grouped.decode()
    for r in range(grouped.rows):
        np.testing.assert_array_equal(grouped.row(r), decoded[r])
    np.testing.assert_array_equal(grouped.row(-1), decoded[-1])
    with pytest.raises(IndexError):
        grouped.row(5)


def test_decoding_does_not_depend_on_chunks(grouped, monkeypatch):
    whole = grouped.decode()
    monkeypatch.setattr(module, "CHUNK", 1)
    np.testing.assert_array_equal(grouped.decode(), whole)


def test_int16_codepoints(grouped):
    codebook = np.linspace(-8191, 8191, 16).astype(np.int16)
    matrix = replace(grouped, codebook=codebook)
    np.testing.assert_array_equal(matrix.decode(), by_hand(matrix))


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (7, 3), (3, module.CHUNK + 1), (4, 0)])
def test_chunks_cover_all_rows_once(rows, cols):
    covered = [r for chunk in row_chunks(rows, cols) for r in range(rows)[chunk]]
    assert covered == list(range(rows))
