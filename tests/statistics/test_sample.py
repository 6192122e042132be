import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabulae.statistics.sample import sampled_rows


@given(st.integers(1, 5000), st.integers(1, 3000), st.integers(1, 1 << 20))
def test_whole_rows_within_the_limit(rows: int, cols: int, most: int) -> None:
    chosen = sampled_rows(rows, cols, most)
    assert len(chosen) == min(rows, max(1, most // cols))
    assert (np.diff(chosen) > 0).all() and chosen[0] >= 0 and chosen[-1] < rows


def test_rows_are_spread_evenly_and_out_of_step_with_heads() -> None:
    chosen = sampled_rows(4096, 4096)
    assert len(chosen) == 64
    assert len(set(chosen % 64)) > 32  # every 64th row would be one place of every head
    assert np.bincount(chosen // 512, minlength=8).min() >= 7
