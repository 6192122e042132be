"""What native kernels cannot run is refused before it is bound."""

import dataclasses
from itertools import product

import msgspec
import numpy as np
import pytest

from tabulae import _native
from tabulae.arithmetic.linear import apply
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.artifact import layouts
from tabulae.artifact.layouts import panel16
from tabulae.errors import ModelError, TableModelError
from tabulae.program.graph import Decoder
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.select import Select
from tabulae.runtime.binding import Binding, add_weight, pack_matrix
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session

EYE = TableMatrix(np.eye(40, dtype=np.uint8), np.int16([0, 8191]), np.ones(40, np.float32), None, 40)


def test_a_layout_that_kernels_do_not_know_is_refused(monkeypatch):
    parts = pack_matrix("w", EYE)
    monkeypatch.setattr(layouts, "find", lambda name: panel16)
    other = dataclasses.replace(parts, record=msgspec.structs.replace(parts.record, layout="panel32"))
    with pytest.raises(
        ModelError, match=r"\[tensor w\] kernels must know its layout, but got panel32; accepted: panel16"
    ):
        add_weight(_native.Model(), other)


def test_every_layout_of_files_is_known_to_the_core_and_to_every_isa():
    assert layouts.names() == _native.LAYOUTS
    for layout in _native.LAYOUTS:
        native = _native.Model()
        index = add_weight(native, pack_matrix("w", EYE, layout))
        x = np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32)
        for isa, lookup in product(_native.isas(), (False, True)):
            np.testing.assert_array_equal(native.project(index, x, None, 1, lookup, isa), apply(EYE, x))


def with_outlier(value):
    outliers = Outliers(np.repeat([0, 1], [1, 40]), np.array([3], np.uint16), np.array([value], np.int32))
    multipliers = np.full((40, 2), 127, np.int8)
    return dataclasses.replace(EYE, outliers=outliers, multipliers=multipliers, group=32, exponents=0)


@pytest.mark.parametrize("value", [2**24 - 1, 1 - 2**24])
def test_the_largest_outliers_of_an_embedding(value):
    program = Decoder.of((Embed.of("w", "x"), Select("x", "logits")), {"x": 40, "logits": 40}, 40, 8)
    matrix = with_outlier(value)
    expected = Interpreter(program, {"w": matrix}).logits([0, 1], wanted="all")
    session = Session(Engine(Binding(program, {"w": pack_matrix("w", matrix)})), 8)
    np.testing.assert_array_equal(session.feed([0, 1], wanted=0), expected)


@pytest.mark.parametrize("value", [2**24, -(2**24), 2**31 - 5, -(2**31)])
def test_larger_outliers_are_refused(value):
    with pytest.raises(TableModelError, match=r"the outliers must lie in -16777215\.\.16777215"):
        pack_matrix("w", with_outlier(value))


def test_what_was_bound_does_not_change_with_its_arrays():
    """A file may be written into while it is mapped: no index is read from there during a run."""
    matrix = with_outlier(5)
    parts = pack_matrix("w", matrix)
    columns = parts.outlier_columns.copy()
    native = _native.Model()
    index = add_weight(native, dataclasses.replace(parts, outlier_columns=columns))
    codes, exponents = np.ones((1, 64), np.int8), np.zeros((1, 2), np.uint8)
    codes[:, 40:] = 0
    before = native.accumulate(index, codes, exponents, False)
    columns[:] = 65535
    np.testing.assert_array_equal(native.accumulate(index, codes, exponents, False), before)
