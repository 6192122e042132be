"""Paley's matrices are orthogonal, over prime fields and others."""

import numpy as np
import pytest

from tabulae.arithmetic.hadamard import LARGEST, hadamard, paley
from tabulae.errors import UsageError


@pytest.mark.parametrize("order", [4, 8, 12, 20, 24, 28, 36, 52, 76, 148, 244, 344])
def test_orthogonal(order: int) -> None:
    """28 is GF(27), 20 GF(19), 52 twice GF(25) + 1, 244 GF(243), 344 GF(343)."""
    h = hadamard(order).astype(np.int64)
    assert h.shape == (order, order) and set(np.unique(h)) == {-1, 1}
    np.testing.assert_array_equal(h @ h.T, order * np.eye(order, dtype=np.int64))


@pytest.mark.parametrize(("order", "field"), [(12, (11, 11, 1)), (28, (27, 3, 3)), (52, (25, 5, 2)), (20, (19, 19, 1))])
def test_the_field_of_an_order(order: int, field: tuple[int, int, int]) -> None:
    assert paley(order) == field


@pytest.mark.parametrize("order", [0, 1, 2, 3, 6, 10, 16, 40, 92, LARGEST + 4, 1000])
def test_other_orders_are_refused(order: int) -> None:
    assert paley(order) is None
    with pytest.raises(UsageError, match="prime power"):
        hadamard(order)


def test_shared_matrices_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        hadamard(12)[0, 0] = 1


def test_the_rows_of_order_12_never_change() -> None:
    """They are part of what a file means."""
    text = ["".join("+" if x > 0 else "-" for x in row) for row in hadamard(12)]
    assert text[:4] == ROWS


ROWS = ["++++++++++++", "-+-+---+++-+", "-++-+---+++-", "--++-+---+++"]
