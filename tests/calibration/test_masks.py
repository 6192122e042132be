import numpy as np
import pytest

from tabulae.calibration.masks import mask_bits

rng = np.random.default_rng(1)


@pytest.mark.parametrize("share, entropy, indices", [(0.02, 0.14, 0.14), (0.05, 0.29, 0.35), (0.08, 0.40, 0.56)])
def test_bits_a_weight_at_published_shares(share: float, entropy: float, indices: float) -> None:
    mask = np.zeros(1 << 20, bool)
    mask[rng.permutation(mask.size)[: int(share * mask.size)]] = True
    mask = mask.reshape(1024, 1024)
    assert mask_bits(mask, 128, "raw", fixed=False) == mask.size
    assert mask_bits(mask, 128, "entropy", fixed=False) / mask.size == pytest.approx(entropy, abs=0.006)
    counts = 8 / 128  # how many outliers a group has: needed to read the indices
    assert mask_bits(mask, 128, "indices", fixed=False) / mask.size == pytest.approx(indices + counts, abs=0.006)


def test_a_fixed_number_costs_the_choices() -> None:
    mask = np.zeros((10, 80), bool)
    mask[:, [1, 5, 63, 70]] = True  # 3 of 64 columns, 1 of the last 16
    assert mask_bits(mask, 64, "entropy", fixed=True) == int(np.ceil(10 * (np.log2(41664) + 4)))
    assert mask_bits(mask, 64, "indices", fixed=True) == 10 * 4 * 6


def test_no_outliers() -> None:
    mask = np.zeros((4, 64), bool)
    assert mask_bits(mask, 64, "entropy", fixed=True) == mask_bits(mask, 64, "indices", fixed=True) == 0
    assert mask_bits(mask, 64, "entropy", fixed=False) == 9  # their number
