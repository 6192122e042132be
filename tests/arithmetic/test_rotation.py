"""Rotations: factorisations, orthogonality, the fixed order of floats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.arithmetic.hadamard import hadamard
from tabulae.arithmetic.rotation import Rotation, factorise, random_rotation
from tabulae.errors import UsageError

FACTORS = {
    1: (), 2: (2,), 7: (7,), 9: (9,), 18: (2, 9), 64: (64,), 192: (12, 16), 576: (12, 12, 4), 896: (28, 32),
    1152: (12, 12, 8), 1536: (12, 128), 2560: (20, 128), 4864: (76, 64), 11008: (344, 32), 18944: (148, 128),
    11: None, 22: None, 172: None, 15: None, 49: None,
}  # fmt: skip
rng = np.random.default_rng(2)


@pytest.mark.parametrize("n", FACTORS)
def test_factorisations(n: int) -> None:
    assert factorise(n) == FACTORS[n]


@given(st.integers(1, 4096))
def test_factors_multiply_to_n(n: int) -> None:
    factors = factorise(n)
    assert factors is None or np.prod(factors, initial=1) == n
    assert factors is None or sum(f % 2 for f in factors) <= 1


@pytest.mark.parametrize("cols", [1, 2, 6, 9, 12, 18, 96, 144, 160, 576])
def test_orthogonal_up_to_the_norm(cols: int) -> None:
    rotation = random_rotation(cols, seed=1)
    r = rotation.rotate(np.eye(cols, dtype=np.float32)).astype(np.float64)  # integers: exact
    np.testing.assert_array_equal(r @ r.T, rotation.norm * np.eye(cols))
    assert rotation.cols == cols


@pytest.mark.parametrize("cols", [18, 96, 576])
def test_rotated_weights_undo_a_rotated_input(cols: int) -> None:
    rotation = random_rotation(cols, seed=2)
    w, x = rng.standard_normal((5, cols)).astype(np.float32), rng.standard_normal((3, cols)).astype(np.float32)
    np.testing.assert_allclose(rotation.unrotate(rotation.rotate(x)), x, atol=2e-6)
    np.testing.assert_allclose(rotation.rotate(x) @ rotation.rotate_weights(w).T, x @ w.T, atol=3e-4)
    np.testing.assert_allclose(rotation.unrotate_weights(rotation.rotate_weights(w)), w, atol=2e-6)


def test_the_matrix_is_the_kronecker_product_behind_the_signs() -> None:
    signs = rng.integers(0, 2, 96).astype(bool)
    r = Rotation(signs, (12, 8)).rotate(np.eye(96, dtype=np.float32)).T
    sylvester = np.array([[1]])
    for _ in range(3):
        sylvester = np.kron([[1, 1], [1, -1]], sylvester)
    np.testing.assert_array_equal(r, np.kron(hadamard(12), sylvester) * np.where(signs, -1, 1))


def plain(x: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """The definition on one row, addition by addition."""
    x, stride = x.copy(), len(x)
    for f in factors:
        sizes = [2] * (f.bit_length() - 1) if f & (f - 1) == 0 else [f]
        for size in sizes:
            stride //= size
            for start in (s for s in range(len(x)) if s // stride % size == 0):
                at = start + stride * np.arange(size)
                x[at] = _block(x[at], size)
    return x


def _block(v: np.ndarray, f: int) -> np.ndarray:
    if f % 2:
        total = v[0]
        for value in v[1:]:
            total = total + value
        return np.float32(f) * v - np.float32(2) * total
    h = [[1, 1], [1, -1]] if f == 2 else hadamard(f).tolist()
    out = []
    for row in h:
        total = row[0] * v[0]
        for sign, value in zip(row[1:], v[1:], strict=True):
            total = total + value if sign > 0 else total - value
        out.append(total)
    return np.array(out, np.float32)


@pytest.mark.parametrize("cols", [9, 18, 96, 144, 160])
def test_the_order_of_float_operations(cols: int) -> None:
    rotation = random_rotation(cols, seed=4)
    x = rng.standard_normal((2, cols)).astype(np.float32)
    for row, result in zip(np.where(rotation.signs, -x, x), rotation.rotate(x), strict=True):
        np.testing.assert_array_equal(result, plain(row, rotation.factors))


def test_repeated_and_batched_runs_give_the_same_bits() -> None:
    rotation, x = random_rotation(576, seed=5), rng.standard_normal((4, 576)).astype(np.float32)
    whole = rotation.rotate(x)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, np.concatenate([rotation.rotate(row[None]) for row in x]))


def test_signs_depend_on_the_seed_alone() -> None:
    """They are stored, but the same build must give the same file everywhere."""
    signs = random_rotation(24, seed=0).signs
    assert "".join("+-"[int(s)] for s in signs) == SIGNS
    assert (random_rotation(1024, seed=1).signs != random_rotation(1024, seed=2).signs).mean() == pytest.approx(
        0.5, abs=0.07
    )
    assert random_rotation(12, seed=2**40).signs.shape == (12,)


def test_columns_that_cannot_be_factored_are_refused() -> None:
    with pytest.raises(UsageError, match="must factor into Hadamard orders, but got 172"):
        random_rotation(172, seed=0)


SIGNS = "-++-+++-+-+-----+-+----+"
