import numpy as np

from tabulae.statistics import describe_rows


def test_figures_of_known_rows() -> None:
    x = np.zeros((4, 100), np.float32)
    x[0] = 2
    x[1, :1] = -10
    x[3] = np.where(np.arange(100) % 2, 3, -1)
    rows = describe_rows(x)
    np.testing.assert_allclose(rows.rms, [2, 1, 0, np.sqrt(5)])
    np.testing.assert_allclose(rows.peak, [1, 10, 0, 3 / np.sqrt(5)])
    np.testing.assert_allclose(rows.kurtosis, [1, 100, 0, 41 / 25])
    np.testing.assert_allclose(rows.beyond, [0, 0.01, 0, 0])
    np.testing.assert_allclose(rows.entropy, [0, -0.01 * np.log2(0.01) - 0.99 * np.log2(0.99), 0, 1])
    assert rows.dead.tolist() == [2]


def test_pieces_do_not_show() -> None:
    x = np.random.default_rng(0).standard_normal((3000, 1000), np.float32)  # three pieces
    whole, first = describe_rows(x), describe_rows(x[:7])
    assert all(
        (a[:7] == b).all() and len(a) == 3000 for a, b in zip(vars(whole).values(), vars(first).values(), strict=True)
    )


def test_the_largest_weights_do_not_overflow() -> None:
    rows = describe_rows(np.float32([[2.0**99, 0], [1e-44, -1e-44]]))
    np.testing.assert_allclose(rows.kurtosis, [2, 1])
