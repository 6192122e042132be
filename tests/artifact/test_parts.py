"""The stored form of one tensor."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.arithmetic.rotation import factorise, random_rotation
from tabulae.arithmetic.widths import prove
from tabulae.artifact.parts import settled
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.artifact.writer import TableModelWriter


@st.composite
def matrices(draw):
    """Any table matrix of a few rows and columns."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, cols, bits = draw(st.integers(1, 40)), draw(st.integers(1, 100)), draw(st.integers(1, 8))
    group = draw(st.sampled_from([None, 32, 64, 128]))
    most = draw(st.sampled_from([127, 8191]))
    there = rng.random((rows, cols)) < draw(st.sampled_from([0, 0.01, 0.5]))
    worst = draw(st.sampled_from([127, 128, 32768, 2**24 - 2]))
    return TableMatrix(
        codes=rng.integers(0, 1 << bits, (rows, cols), dtype=np.uint8),
        codebook=np.sort(rng.integers(-most, most + 1, 1 << bits)).astype(np.int16),
        scales=np.ldexp(1 + rng.integers(0, 128, 1 if draw(st.booleans()) and not group else rows) / 128, -9).astype(
            "f4"
        ),
        multipliers=rng.integers(-127, 128, (rows, -(-cols // group)), dtype=np.int8) if group else None,
        group=group or cols,
        outliers=Outliers(
            np.concatenate([[0], there.sum(axis=1).cumsum()]),
            np.nonzero(there)[1].astype(np.uint16),
            rng.integers(-worst - 1, worst + 1, there.sum()).astype(np.int32),
        ),
        exponents=draw(st.integers(0, 5)),  # beyond, a block of wide codepoints may pass int32
        rotation=random_rotation(cols, 0) if factorise(cols) and draw(st.booleans()) else None,
    )


@settings(max_examples=60, deadline=None)
@given(matrix=matrices())
def test_any_matrix_comes_back(tmp_path_factory, matrix):
    path = tmp_path_factory.getbasetemp() / "any.tab"
    record = TableRecord.planned(
        "w",
        rows=matrix.rows,
        cols=matrix.cols,
        format="any",
        bits=matrix.bits,
        group=None if matrix.multipliers is None else matrix.group,
        tensor_scale=len(matrix.scales) == 1,
        exponents=matrix.exponents,
        rotation=matrix.rotation and matrix.rotation.factors,
        outliers=len(matrix.outliers.values),
    )
    with TableModelWriter(path, [record]) as writer:
        writer.write_matrix("w", matrix, prove(matrix))
    with open_table_model(path, verify=True) as file:
        again = file.matrix("w")
    for field in ("codes", "codebook", "scales", "multipliers"):
        np.testing.assert_array_equal(getattr(again, field), getattr(matrix, field), strict=True)
    np.testing.assert_array_equal(again.decode(), matrix.decode())
    assert (again.rotation is None) == (matrix.rotation is None)
    if again.rotation is not None:
        np.testing.assert_array_equal(again.rotation.signs, matrix.rotation.signs)


@pytest.mark.parametrize(
    "values, width",
    [([-128, 127, 0], 1), ([-129, 0, 0], 2), ([0, 128, 0], 2), ([32767, -32768, 0], 2), ([32768, 0, 0], 4)],
)
def test_outliers_take_their_smallest_width(model, values, width):
    outliers = dataclasses.replace(model.grouped().outliers, values=np.array(values, np.int32))
    matrix = dataclasses.replace(model.grouped(), outliers=outliers)
    assert settled(model.TENSORS[0], matrix, prove(matrix)).outlier_bytes == width


@pytest.mark.parametrize("largest, width", [(127, 1), (128, 2), (8191, 2)])
def test_codepoints_take_their_smallest_width(model, largest, width):
    codebook = np.array([-7, -5, -3, -1, 1, 3, 5, largest], np.int16)
    matrix = dataclasses.replace(model.grouped(), codebook=codebook)
    assert settled(model.TENSORS[0], matrix, prove(matrix)).codepoint_bytes == width
