import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tabulae.errors import ModelError, UsageError
from tabulae.statistics import TensorStatistics, describe_tensor, duplicates

rng = np.random.default_rng(2)


def test_figures_of_a_normal_tensor_with_rows_of_different_scale() -> None:
    scales = np.float32(2.0 ** rng.integers(-3, 3, (512, 1)))
    found = describe_tensor(scales * rng.standard_normal((512, 1024), np.float32))
    assert found.shape == (512, 1024) and found.sampled == 256 * 1024
    assert found.fit.family == "t" and found.fit_rows.family == "normal"
    assert found.kurtosis > 5 and found.row_kurtosis.median == pytest.approx(3, abs=0.1)
    assert found.row_entropy.median == pytest.approx(4.05, abs=0.05) and found.entropy < 4
    assert found.row_rms.least == pytest.approx(1 / 8, rel=0.2) and found.row_rms.most == pytest.approx(4, rel=0.2)
    assert found.row_beyond.median == 0 and found.beyond > 1e-3
    assert not found.all_zero and found.dead_rows == 0 and found.zeros == 0


def test_exact_figures_over_all_weights() -> None:
    x = rng.laplace(size=(700, 2000)).astype(np.float32)  # two pieces
    x[:, 5] = 0
    found, wide = describe_tensor(x), x.astype(np.float64)
    rms = np.sqrt((wide**2).mean())
    assert found.rms == pytest.approx(rms, rel=1e-12)
    assert found.peak == pytest.approx(np.abs(wide).max() / rms, rel=1e-12)
    assert found.kurtosis == pytest.approx((wide**4).mean() / rms**4, rel=1e-12)
    assert found.beyond == pytest.approx((np.abs(wide) > 4 * rms).mean(), rel=1e-3)
    assert found.zeros == 1 / 2000


def test_dead_rows_count_and_stay_out_of_the_spread() -> None:
    x = rng.standard_normal((10, 64), np.float32)
    x[3:6] = 0
    found = describe_tensor(x)
    assert found.dead_rows == 3 and found.row_rms.least > 0.5 and found.zeros == 0.3


def test_an_all_zero_tensor() -> None:
    found = describe_tensor(np.zeros((3, 8), np.float32))
    assert found.all_zero and found.dead_rows == 3 and found.fit is None and found.fit_rows is None
    assert (found.peak, found.kurtosis, found.entropy, found.row_rms.most) == (0, 0, 0, 0)


def test_a_vector_is_one_row() -> None:
    x = rng.standard_normal(100, np.float32)
    vector, matrix = describe_tensor(x), describe_tensor(x[None])
    assert vector.shape == (100,) and vector.fingerprint != matrix.fingerprint
    assert msgspec.structs.replace(vector, shape=(1, 100), fingerprint=matrix.fingerprint) == matrix


def test_duplicates() -> None:
    x = rng.standard_normal((4, 6), np.float32)
    tensors = {"a": x, "b": x.copy(), "c": x.reshape(6, 4), "d": -x, "e": x.T.copy().T, "f": -x}
    found = duplicates({name: describe_tensor(w) for name, w in tensors.items()})
    assert found == [("a", "b", "e"), ("d", "f")]


def test_a_record_is_json() -> None:
    found = describe_tensor(rng.standard_normal((4, 64), np.float32))
    assert msgspec.json.decode(msgspec.json.encode(found), type=TensorStatistics) == found


def test_working_memory_is_bounded() -> None:
    x = np.ones((8192, 2048), np.float32)  # 64 MiB
    tracemalloc.start()
    describe_tensor(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.floats(-(2**99), 2**99, width=32))
)
def test_any_finite_tensor_has_finite_figures(x: np.ndarray) -> None:
    found = describe_tensor(x)
    assert found == describe_tensor(x.copy())
    figures = (found.rms, found.peak, found.kurtosis, found.entropy, found.row_peak.most, found.row_kurtosis.most)
    assert np.isfinite(figures).all()
    assert found.dead_rows == (~x.any(axis=1)).sum()


@pytest.mark.parametrize(
    "x, error",
    [
        (np.ones((2, 2)), UsageError),
        (np.ones((0, 2), np.float32), UsageError),
        (np.ones((2, 2, 2), np.float32), UsageError),
        (np.float32([[1, np.nan]]), ModelError),
        (np.float32([np.inf]), ModelError),
    ],
)
def test_bad_input(x: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        describe_tensor(x)
