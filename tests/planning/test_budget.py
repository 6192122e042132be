"""Budgets as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.planning.budget import PREFIXES, Budget, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("60MB", 60_000_000),
        ("60MiB", 60 * 2**20),
        ("1.5GB", 1_500_000_000),
        ("1.5 GiB", 3 * 2**29),
        (" 123456 ", 123_456),
        ("0.5kb", 500),
        ("7b", 7),
        (".25TiB", 2**38),
        (1_000_000, 1_000_000),
        ("1.0009kB", 1000),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@given(st.integers(1, 2**40), st.sampled_from(sorted(set(PREFIXES) - {""})), st.booleans())
def test_whole_numbers_are_exact(number, prefix, binary):
    unit = (1024 if binary else 1000) ** PREFIXES[prefix]
    if number * unit < 2**53:
        assert parse_size(f"{number}{prefix}{'i' if binary else ''}B") == number * unit


@pytest.mark.parametrize("text", ["", "MB", "-5MB", "60 MBit", "60ib", "1,5GB", "nan", "1e9", "60MB/s", "60M", "inf"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="60MiB"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0", "0.4b", "10000TiB"])
def test_sizes_out_of_range(text):
    with pytest.raises(UsageError, match="at least one byte"):
        parse_size(text)


@pytest.mark.parametrize("asked", [{}, {"bits": 4, "kl": 0.1}, {"size": 1, "bits": 4}, {"memory": 1, "kl": 1}])
def test_what_does_not_go_together(asked):
    with pytest.raises(UsageError, match=r"size or memory \(or both\), bits, or kl"):
        Budget(**asked)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["bits", "kl"])
def test_numbers_that_are_none(name, value):
    with pytest.raises(UsageError, match=f"{name} must be a positive number"):
        Budget(**{name: value})


def test_size_and_memory_go_together():
    assert Budget(size=5, memory=7).memory == 7
