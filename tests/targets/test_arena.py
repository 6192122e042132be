"""The arena: what is needed at the same time never shares a place, and no place is wasted on chains."""

from hypothesis import given
from hypothesis import strategies as st

from tabulae.targets.arena import Block, arena

SPANS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
BLOCKS = st.lists(st.tuples(st.integers(1, 99), SPANS), max_size=12)


@given(BLOCKS)
def test_nothing_overlaps(given) -> None:
    blocks = [Block(f"b{n}", size, first, last) for n, (size, (first, last)) in enumerate(given)]
    found = arena(blocks)
    for one in blocks:
        at = found.places[one.name]
        assert 0 <= at <= found.size - one.size
        for other in blocks:
            there = found.places[other.name]
            assert one is other or not one.meets(other) or at + one.size <= there or there + other.size <= at
    needed = (sum(block.size for block in blocks if block.first <= step <= block.last) for step in range(10))
    assert max(needed) <= found.size <= sum(block.size for block in blocks)


def test_a_chain_needs_two_neighbours_at_a_time() -> None:
    found = arena(
        Block(name, size, at, at + 1) for at, (name, size) in enumerate(zip("abcd", (4, 6, 2, 5), strict=True))
    )
    assert found.size == 10


def test_nothing_needs_nothing() -> None:
    assert arena([]) == ({}, 0)
