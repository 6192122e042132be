"""Grids hold 0, lose least, and say where one code ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.nets.levels import Levels, fit


@given(st.integers(0, 2**32 - 1), st.integers(2, 64), st.sampled_from([-1.0, 0.0, 0.7]))
def test_a_grid_holds_zero_and_nearest_codes_follow_from_its_boundaries(seed, count, centre) -> None:
    x = np.random.default_rng(seed).normal(centre, 1, 300)
    levels = fit(np.maximum(x, 0) if centre == 0 else x, count)
    assert levels.zero is not None and levels.real(np.array(levels.zero)) == 0
    codes = np.searchsorted(levels.boundaries(), x, side="right")
    nearest = np.abs(x[:, None] - levels.real(np.arange(count))).argmin(axis=1)
    assert (codes == nearest).mean() > 0.99  # middles are the next code's


def test_no_other_clip_loses_less() -> None:
    x = np.random.default_rng(0).standard_t(3, 4000)
    levels = fit(x, 16)
    whole = Levels((x.max() - x.min()) / 15, 0.0, round(x.min() / (x.max() - x.min()) * 15), 16)

    def lost(grid):
        codes = np.searchsorted(grid.boundaries(), x, side="right")
        return np.square(grid.real(codes) - x).sum()

    assert lost(levels) < 0.5 * lost(whole)


def test_zeros_alone_have_a_grid() -> None:
    assert fit(np.zeros(5), 4).zero == 0


def test_scaled_codes_stay_the_same() -> None:
    levels = Levels(0.5, 1.0, -2, 4).scaled(np.array([2.0, 1.0]), np.array([0.0, 3.0]))
    assert levels.real(np.array([0, 3])).tolist() == [0.0, 4.5]
    assert not levels.is_shared and levels.zero is None


@pytest.mark.parametrize("offset", [0.25, np.array([0.0, 1.0])])
def test_a_grid_with_an_offset_has_no_zero(offset) -> None:
    assert Levels(1.0, offset, 0, 4).zero is None
