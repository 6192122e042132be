"""Products, thresholds, functions, sums: against plain statements of what they mean, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import ModelError
from tabulae.nets.builder import Builder
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.lookup import Lookup
from tabulae.program.ops.products import Products
from tabulae.program.ops.reduce import Reduce
from tabulae.program.ops.shift_add import ShiftAdd, Term

SEEDS = st.integers(0, 2**32 - 1)


def one(op, shape, arrays, given, *, low=-9, high=9):
    """What an operation makes of one input, ``x`` [n, ...]."""
    net = Builder()
    net.input("x", given.shape[1:], low, high)
    for name, values in arrays.items():
        net.array(name, np.asarray(values))
    built = net.built((net.add(op, shape),))
    return Interpreter(built.program, {}, arrays=built.arrays).run({"x": given})["y"]


@given(SEEDS, st.sampled_from([1, 2, 3]), st.booleans())
def test_products_are_sums_of_entries(seed, groups, own) -> None:
    rng = np.random.default_rng(seed)
    rows, columns, codes = 2, 4, 5
    tables = rng.integers(-99, 99, (groups * rows * columns if own else 6, codes))
    select = np.arange(len(tables)) if own else rng.integers(0, 6, groups * rows * columns)
    select, start = select.reshape(groups, rows, columns), rng.integers(-9, 9, (groups, rows))
    x = rng.integers(0, codes, (3, 2, groups * columns))
    op = Products("x", "t", "y", None if own else "s", "b", groups)
    found = one(op, (2, groups * rows), {"t": tables, "s": select, "b": start}, x, low=0, high=codes - 1)
    for place in np.ndindex(3, 2, groups, rows):
        n, outer, g, r = place
        edges = (tables[select[g, r, j], x[n, outer, g * columns + j]] for j in range(columns))
        assert found[n, outer, g * rows + r] == start[g, r] + sum(edges)


@given(SEEDS)
def test_exact_tables_are_a_matrix(seed) -> None:
    rng = np.random.default_rng(seed)
    book, x = np.arange(-8, 8), rng.integers(0, 16, (4, 7))
    select = rng.integers(0, 16, (1, 3, 7))
    op = Products("x", "t", "y", "s")
    found = one(op, (3,), {"t": book[:, None] * np.arange(16), "s": select}, x, low=0, high=15)
    assert (found == x @ book[select[0]].T).all()


@given(SEEDS)
def test_codes_count_thresholds(seed) -> None:
    rng = np.random.default_rng(seed)
    thresholds, x = np.sort(rng.integers(-9, 9, (2, 5)), axis=1), rng.integers(-9, 10, (6, 3, 2))
    found = one(Encode("x", "t", "y"), (3, 2), {"t": thresholds}, x)
    assert (found == (thresholds <= x[..., None]).sum(axis=-1)).all()


@given(SEEDS, st.sampled_from([1, 2, 6]))
def test_an_index_stays_within_its_table(seed, choices) -> None:
    rng = np.random.default_rng(seed)
    tables, choice = rng.integers(-9, 9, (2, 4)), rng.integers(0, 2, choices)
    x = rng.integers(-9, 10, (5, 3, 2))
    found = one(Lookup("x", "t", "y", begin=-2, choice="c"), (3, 2), {"t": tables, "c": choice}, x)
    for n, i, c in np.ndindex(x.shape):
        assert found[n, i, c] == tables[choice[(2 * i + c) % choices]][min(max(x[n, i, c] + 2, 0), 3)]


def test_a_function_of_two() -> None:
    x = np.array([[0, 1], [2, 3]])
    table = np.arange(20).reshape(1, 4, 5)
    op = Lookup("x", "t", "y", "x", begin2=-1)
    assert one(op, (2,), {"t": table}, x, low=0, high=3).tolist() == [[1, 7], [13, 19]]


def test_the_largest_is_the_first_of_equals() -> None:
    x = np.array([[3, 5, 5, 1]])
    assert one(Reduce("x", "y", "argmax", 0), (1,), {}, x).tolist() == [[1]]
    assert one(Reduce("x", "y", "max", 0), (1,), {}, x).tolist() == [[5]]
    assert one(Reduce("x", "y", "sum", 1), (2,), {}, x.reshape(1, 2, 2)).tolist() == [[8, 6]]


def test_shifts_to_the_right_are_floors() -> None:
    x = np.array([[-3, 3], [-1, 1]])
    op = ShiftAdd((Term("x", -1), Term("x", 2, negative=True)), "y", "c")
    assert one(op, (2,), {"c": [10, 20]}, x).tolist() == [[-2 + 12 + 10, 1 - 12 + 20], [-1 + 4 + 10, 0 - 4 + 20]]


@pytest.mark.parametrize(
    ("op", "arrays", "must"),
    [
        (Products("x", "t", "y", "s"), {"t": [[1, 2]], "s": [[[0, 0]] * 2]}, "codes must not be negative, but got -9"),
        (Encode("x", "t", "y"), {"t": [[2, 1], [0, 0]]}, "thresholds must ascend"),
        (Lookup("x", "t", "y", choice="c"), {"t": [[1]], "c": [0, 1]}, "choices must name tables, but got 1"),
        (Lookup("x", "t", "y", choice="c"), {"t": [[1]], "c": [0] * 3}, r"\[c\] choices must be \[1, 2\], but got 3"),
        (Reduce("x", "y", "sum", 1), {}, r"the axis must lie in 0\.\.0, but got 1"),
        (Reduce("x", "y", "sum", 0), {}, r"what is left must be \[2\], but got \[1\]"),
        (ShiftAdd((Term("x", 31),), "y"), {}, r"shifts must lie in -31\.\.30, but got \[31\]"),
        (ShiftAdd((Term("x", 30),), "y"), {}, "every term must stay within 32 bits, but got 9663676416"),
    ],
)
def test_what_does_not_fit_is_refused(op, arrays, must) -> None:
    with pytest.raises(ModelError, match=must):
        one(op, (2,), arrays, np.zeros((1, 2), int))


@pytest.mark.parametrize(
    ("op", "arrays", "must"),
    [
        (Products("x", "t", "y", "s"), {"t": [[1]], "s": [[[0, 0]] * 2]}, "codes must be below the 1 entries of t"),
        (Products("x", "t", "y", "s"), {"t": [[1, 2]], "s": [[[0, 1]] * 2]}, "s must name tables, but got 1"),
        (Products("x", "t", "y", "s", groups=3), {"t": [[1, 2]], "s": [[[0]]]}, "must be multiples of 3 groups"),
        (Products("x", "t", "y"), {"t": [[2**31 - 1, 0]] * 4}, "every sum of products must stay within 32 bits"),
        (Products("x", "t", "y"), {"t": [[1, 2]] * 3}, r"\[t\] the shape must be 4 x any, but got 3 x 2"),
    ],
)
def test_codes_that_lead_nowhere_are_refused(op, arrays, must) -> None:
    with pytest.raises(ModelError, match=must):
        one(op, (2,), arrays, np.zeros((1, 2), int), low=0, high=1)
