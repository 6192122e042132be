import numpy as np
import pytest

from tabulae.calibration.offset_split import split_offset
from tabulae.calibration.range_split import split_range
from tabulae.errors import UsageError

rng = np.random.default_rng(9)
W = rng.standard_t(5, (48, 160)).astype(np.float32)  # groups of 64, 64 and 32


def error(split, w=W, weights=1.0):
    return float(np.sqrt((weights * np.square(split.decode(split.codes(w)) - w)).sum()))


def test_every_group_has_its_largest_as_outliers() -> None:
    mask = split_offset(W, 4, group=64, outliers=4).mask
    for start, count in ((0, 4), (64, 4), (128, 2)):
        part, chosen = np.abs(W[:, start : start + 64]), mask[:, start : start + 64]
        assert (chosen.sum(axis=1) == count).all()
        assert (np.where(chosen, part, np.inf).min(axis=1) >= np.where(chosen, 0, part).max(axis=1)).all()


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_signs_stay_and_outliers_lie_beyond_the_others(bits: int) -> None:
    split = split_offset(W, bits, group=64, outliers=4)
    codes = split.codes(W)
    decoded = split.decode(codes)
    assert codes.max() < 2**bits
    assert (np.sign(decoded) == np.sign(W)).all()
    np.testing.assert_array_equal(split.codes(decoded), codes)
    inside, outside = np.where(split.mask, 0, np.abs(decoded)), np.where(split.mask, np.abs(decoded), np.inf)
    for start in range(0, 160, 64):
        columns = slice(start, start + 64)
        assert (inside[:, columns].max(axis=1) < outside[:, columns].min(axis=1)).all()


def test_more_bits_lose_less() -> None:
    errors = [error(split_offset(W, bits, group=64)) for bits in range(2, 9)]
    assert errors == sorted(errors, reverse=True) and errors[0] > 30 * errors[-1]


def test_it_beats_the_published_split_at_fewer_bits() -> None:
    w = rng.standard_normal((256, 1024), np.float32)
    published, improved = split_range(w, 4, share=0.03), split_offset(w, 4, outliers=4)  # both about 3 % of 128
    assert improved.bits() < published.bits() - 0.1 * w.size
    assert error(improved, w) < error(published, w)


def test_exact_bits() -> None:
    w = rng.standard_normal((3, 128), np.float32)
    split = split_offset(w, 4, group=64, outliers=2)
    side = 3 * 16 + 3 * 2 * 2 * 8
    assert split.bits("raw") == 384 * 4 + side + 384
    assert split.bits("indices") == 384 * 4 + side + 6 * 2 * 6
    assert split.bits("entropy") == 384 * 4 + side + int(np.ceil(6 * np.log2(2016)))
    assert split_offset(w, 4, group=64, outliers=0).bits() == 384 * 4 + 3 * 16 + 6 * 8


def test_importance_weighs_the_search() -> None:
    importance = np.exp2(rng.uniform(-6, 6, 160)).astype(np.float32)
    plain, weighed = split_offset(W, 3, group=64), split_offset(W, 3, group=64, importance=importance)
    assert error(weighed, weights=importance) < error(plain, weights=importance)
    assert error(weighed) > error(plain)


def test_dead_groups_and_all_zero_tensors() -> None:
    w = W.copy()
    w[:, 64:128] = 0
    split = split_offset(w, 4, group=64)
    assert not split.decode(split.codes(w))[:, 64:128].any()
    zeros = np.zeros((2, 64), np.float32)
    split = split_offset(zeros, 4, group=64)
    assert not split.decode(split.codes(zeros)).any()


@pytest.mark.parametrize("outliers", [-1, 64])
def test_too_many_outliers(outliers: int) -> None:
    with pytest.raises(UsageError, match="fewer than the columns"):
        split_offset(W, 4, group=64, outliers=outliers)
