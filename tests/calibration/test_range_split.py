import numpy as np
import pytest

from tabulae.calibration.range_split import split_range
from tabulae.calibration.soft_threshold import outlier_mask
from tabulae.errors import UsageError

rng = np.random.default_rng(4)
W = rng.standard_t(5, (48, 200)).astype(np.float32)  # groups of 64, 64, 64 and 8


def decoded(split, w=W):
    return split.decode(split.codes(w))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_every_weight_is_within_half_a_step_of_its_own_range(bits: int, symmetric: bool) -> None:
    split = split_range(W, bits, group=64, share=0.05, symmetric=symmetric)
    codes = split.codes(W)
    assert codes.max() <= 2**bits - 1 - symmetric
    for start in range(0, 200, 64):
        part, mask = W[:, start : start + 64], split.mask[:, start : start + 64]
        steps = np.where(mask, split.steps[1, :, start // 64, None], split.steps[0, :, start // 64, None])
        slack = 0.5 if symmetric else 1.0  # a zero point is rounded too
        assert (np.abs(decoded(split)[:, start : start + 64] - part) <= slack * steps * 1.001).all()


def test_outliers_get_their_own_scale_and_the_rest_a_finer_one() -> None:
    plain, split = split_range(W, 4, group=64, share=0), split_range(W, 4, group=64, share=0.05)
    np.testing.assert_array_equal(split.mask, outlier_mask(W, 0.05))
    assert not plain.mask.any() and not plain.steps[1].any()
    assert (split.steps[0] <= plain.steps[0] + 1e-9).all()
    assert np.linalg.norm(decoded(split) - W) < 0.8 * np.linalg.norm(decoded(plain) - W)


def test_exact_bits() -> None:
    w = np.zeros((2, 128), np.float32)
    w[:, 7] = 1
    asymmetric, symmetric = (split_range(w, 4, share=2 / 256, symmetric=s, mask=w > 0) for s in (False, True))
    assert symmetric.bits("raw") == 256 * 4 + 2 * 2 * 16 + 256
    assert asymmetric.bits("raw") == symmetric.bits("raw") + 2 * 2 * 4
    assert symmetric.bits("indices") == 256 * 4 + 2 * 2 * 16 + 2 * 8 + 2 * 7


def test_a_split_rounds_other_weights_to_what_it_fixed() -> None:
    split = split_range(W, 4, group=64, share=0.05)
    moved = W + np.float32(0.01) * rng.standard_normal(W.shape, np.float32)
    again = split_range(moved, 4, group=64, mask=split.mask)
    steps = split.steps.copy()
    assert np.linalg.norm(decoded(split, moved) - moved) == pytest.approx(
        np.linalg.norm(decoded(again, moved) - moved), rel=0.05
    )
    np.testing.assert_array_equal(split.steps, steps)
    np.testing.assert_array_equal(split.codes(decoded(split)), split.codes(W))


def test_dead_groups_and_all_zero_tensors() -> None:
    w = W.copy()
    w[:, 64:128] = 0
    assert (decoded(split_range(w, 3, group=64), w)[:, 64:128] == 0).all()
    zeros = np.zeros((3, 64), np.float32)
    assert not decoded(split_range(zeros, 4, group=64, symmetric=True), zeros).any()


@pytest.mark.parametrize(
    "w, bits, group",
    [(W.astype(np.float64), 4, 64), (W[0], 4, 64), (W[:0], 4, 64), (W, 1, 64), (W, 9, 64), (W, 4, 1)],
)
def test_bad_input(w: np.ndarray, bits: int, group: int) -> None:
    with pytest.raises(UsageError, match="split"):
        split_range(w, bits, group=group)


def test_weights_of_another_shape() -> None:
    with pytest.raises(UsageError, match="shape of the mask"):
        split_range(W, 4).codes(W[:3])
