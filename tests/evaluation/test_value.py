import math

import pytest

from tabulae.errors import UsageError
from tabulae.evaluation.value import Value, mean_of, paired, perplexity_of


def test_the_error_is_that_of_the_mean_of_windows() -> None:
    value = mean_of([1.0, 2.0, 4.0])
    assert value.mean == pytest.approx(7 / 3)
    assert value.se == pytest.approx(math.sqrt((16 / 9 + 1 / 9 + 25 / 9) / 2 / 3))


def test_one_window_has_no_error() -> None:
    assert mean_of([3.0]) == Value(3.0, None)
    assert str(mean_of([3.0])) == "3"


def test_perplexity_carries_the_error_over() -> None:
    surprise, value = mean_of([1.0, 1.2]), perplexity_of([1.0, 1.2])
    assert value.mean == pytest.approx(math.exp(1.1))
    assert surprise.se is not None
    assert value.se == pytest.approx(value.mean * surprise.se)


def test_paired_differences_lose_what_windows_share() -> None:
    assert paired([1.0, 10.0, 100.0], [0.0, 9.0, 99.0]) == Value(1.0, 0.0)


def test_paired_needs_the_same_windows() -> None:
    with pytest.raises(UsageError, match="same windows"):
        paired([1.0], [1.0, 2.0])
