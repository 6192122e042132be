import numpy as np
import pytest

from tabulae.statistics.grid import CELLS, entropies, entropy_bits, grid_indices, row_counts

rng = np.random.default_rng(3)


@pytest.mark.parametrize(
    "draw, bits",
    [(rng.standard_normal, 4.05), (lambda n: rng.laplace(size=n), 3.95), (lambda n: rng.standard_t(5, n), 3.98)],
)
def test_a_source_needs_its_differential_entropy_and_the_step(draw, bits) -> None:
    x = draw(1 << 20).astype(np.float32)[None]
    rms = np.sqrt(np.square(x, dtype=np.float64).mean(axis=1))
    assert abs(entropy_bits(row_counts(grid_indices(x, rms))[0]) - bits) < 0.01


def test_rows_of_any_scale_get_the_same_cells() -> None:
    x = rng.standard_normal((1, 64)).astype(np.float32)
    scales = np.float32([[1], [2.0**-100], [2.0**90], [0]])
    rms = np.sqrt(np.square(x * scales, dtype=np.float64).mean(axis=1))
    cells = grid_indices(x * scales, rms)
    assert (cells[:3] == cells[0]).all() and (cells[3] == CELLS // 2).all()


def test_a_subnormal_rms_divides_nothing_by_zero() -> None:
    x = np.float32([[1e-45, 0]])
    assert grid_indices(x, np.array([7e-46])).tolist() == [[CELLS // 2, CELLS // 2]]


def test_far_weights_count_to_the_outermost_cell() -> None:
    assert grid_indices(np.float32([[1e20, -1e20]]), np.array([1.0])).tolist() == [[255, 1]]


def test_every_row_is_counted_by_itself() -> None:
    counts = row_counts(np.array([[0, 0, 5], [255, 5, 5]]))
    assert counts.shape == (2, CELLS) and counts[0, 0] == 2 and counts[1, 5] == 2 and counts.sum() == 6
    np.testing.assert_allclose(entropies(counts), [np.log2(3) - 2 / 3] * 2)
    assert entropies(np.zeros((1, 4), np.int64)).tolist() == [0.0]
