"""The rANS stream: its bytes, its length, and that nothing worse than other symbols comes of any damage."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae import _native
from tabulae.codes import rans
from tabulae.errors import TableModelError

SMALL = np.array([2, 2, 1, 2, 4, 2, 2, 1, 2, 2, 2, 1] + 12 * [2], np.uint8)


def skewed(count, seed=0, step=0.5):
    """Normal weights on a uniform grid: 3 bits of entropy at half an RMS."""
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(rng.standard_normal(count) / step) + 100, 0, 255).astype(np.uint8)


def reference(stream):
    """The stream decoded by the words of docs/format.md, one symbol at a time."""
    magic, first, last, spare, count = struct.unpack_from("<4sBBHq", stream)
    assert magic == b"rANS" and spare == 0
    frequencies, at = {first: 32768}, 16
    if first < last:
        bitmap, at = int.from_bytes(stream[16 : 17 + (last - first) // 8], "little"), 17 + (last - first) // 8
        for symbol in (symbol for symbol in range(first, last + 1) if bitmap >> symbol - first & 1):
            low, at = stream[at], at + 1
            if low >= 128:
                low, at = low - 128 + 128 * stream[at], at + 1
            frequencies[symbol] = low
        at += at % 2
    slots = [symbol for symbol, frequency in frequencies.items() for _ in range(frequency)]
    starts = {symbol: slots.index(symbol) for symbol in set(slots)}
    blocks = -(-count // 16384)
    lengths = struct.unpack_from(f"<{blocks}H", stream, at)
    at += 2 * blocks
    symbols = []
    for block, length in enumerate(lengths):
        (state, *words), at = struct.unpack_from(f"<I{length}H", stream, at), at + 4 + 2 * length
        for _ in range(min(16384, count - 16384 * block)):
            symbol = slots[state % 32768]
            symbols.append(symbol)
            state = frequencies[symbol] * (state // 32768) + state % 32768 - starts[symbol]
            if state < 65536:
                state = 65536 * state + words.pop(0)
        assert state == 65536 and not words
    assert at == len(stream)
    return symbols


def test_exact_bytes():
    """24 symbols: 3 of 1, 20 of 2, 1 of 4; frequencies 4096, 27307 and 1365 of 32768."""
    head = b"rANS" + bytes([1, 4, 0, 0]) + (24).to_bytes(8, "little")
    table = bytes([0b1011, 0x80, 0x20, 0xAB, 0xD5, 0xD5, 0x0A, 0x00])
    assert rans.encode(SMALL).tobytes() == head + table + b"\1\0" + bytes.fromhex("9c5a0700") + bytes.fromhex("a26e")


@pytest.mark.parametrize("count", [1, 2, 1000, 16384, 16385, 40000])
def test_streams_mean_what_the_format_says(count):
    for codes in (skewed(count), skewed(count, step=0.02), np.full(count, 200, np.uint8)):
        assert reference(rans.encode(codes).tobytes()) == codes.tolist()


@pytest.mark.parametrize("count", [0, 1, 5, 16383, 16384, 16385, 6 * 16384, 6 * 16384 + 1, 13 * 16384 - 1, 2_500_000])
@pytest.mark.parametrize("threads", [1, 2])
def test_round_trip(count, threads):
    for step in (0.05, 0.5, 1.5, 9.0):
        codes = skewed(count, step=step)
        stream = rans.encode(codes, threads)
        np.testing.assert_array_equal(stream, rans.encode(codes, 1))
        np.testing.assert_array_equal(rans.decode(stream, count, threads), codes)
        rans.check(stream, count, 255)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 255), max_size=300) | st.lists(st.sampled_from([0, 7, 255]), max_size=300))
def test_any_symbols_come_back(symbols):
    codes = np.array(symbols, np.uint8)
    assert rans.decode(rans.encode(codes), len(codes)).tolist() == symbols


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60_000), st.floats(0.01, 4), st.integers(1, 256))
def test_any_distribution_comes_back(seed, count, skew, size):
    rng = np.random.default_rng(seed)
    codes = rng.choice(size, count, p=rng.dirichlet(np.full(size, skew))).astype(np.uint8)
    np.testing.assert_array_equal(rans.decode(rans.encode(codes), count), codes)


def test_memory_order_does_not_matter():
    codes = skewed(600).reshape(20, 30)
    np.testing.assert_array_equal(rans.encode(np.asfortranarray(codes)), rans.encode(codes.copy()))
    np.testing.assert_array_equal(rans.encode(codes[:, ::2]), rans.encode(codes[:, ::2].copy()))


def test_one_symbol_costs_next_to_nothing():
    assert rans.encode(np.zeros(1 << 20, np.uint8)).nbytes == 16 + 64 * 6
    assert rans.encode(np.zeros(0, np.uint8)).nbytes == 16


SOURCES = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "laplace": lambda rng, n: rng.laplace(size=n) * 0.5**0.5,
    "t5": lambda rng, n: rng.standard_t(5, n) * 0.6**0.5,
    "uniform": lambda rng, n: rng.uniform(-(3**0.5), 3**0.5, n),
}


def entropy(counts):
    """Bytes of the empirical entropy."""
    used = counts[counts > 0]
    return float(used @ -np.log2(used / used.sum())) / 8


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("step", [1.0, 0.5, 0.25, 0.125])
@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_length_is_near_the_entropy(source, step, count):
    x = SOURCES[source](np.random.default_rng(1), count)
    codes = np.clip(np.rint(x / step) + 127, 0, 254).astype(np.uint8)
    counts = np.bincount(codes)
    length = rans.encode(codes).nbytes
    assert 1 <= length / entropy(counts) <= 1.005
    assert rans.expected_length(counts) == pytest.approx(length, rel=0.001)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2**38), min_size=256, max_size=256) | st.lists(st.integers(0, 3), min_size=256))
def test_frequencies(counts):
    counts = np.array(counts[:256], np.int64)
    frequencies = _native.rans_frequencies(counts).astype(np.int64)
    np.testing.assert_array_equal(frequencies > 0, counts > 0)
    assert frequencies.sum() == (32768 if counts.any() else 0)
    for more in np.flatnonzero(counts):  # no exchange of one for one gains much
        for less in np.flatnonzero(frequencies > 1):
            gain = counts[more] * np.log2((frequencies[more] + 1) / frequencies[more])
            loss = counts[less] * np.log2(frequencies[less] / (frequencies[less] - 1))
            assert more == less or gain <= loss * 1.05 + 1e-9


@pytest.mark.parametrize("counts", [[-1] + [0] * 255, [2**39] + [0] * 255, [1, 2]])
def test_counts_that_make_no_sense(counts):
    with pytest.raises(ValueError, match="counts"):
        _native.rans_frequencies(np.array(counts, np.int64))


def put(stream, at, *values):
    changed = stream.copy()
    changed[at : at + len(values)] = values
    return changed


COUNT = 3 * 16384 + 100
STREAM = rans.encode(skewed(COUNT, step=2.0))  # five symbols: the table ends at 26, the index at 34
MALFORMED = {
    "nothing": (STREAM[:0], "must have a header of 16 bytes, but got 0"),
    "half a header": (STREAM[:15], "must have a header of 16 bytes, but got 15"),
    "other magic": (put(STREAM, 0, 0), "must begin with 'rANS'"),
    "spare bytes": (put(STREAM, 7, 1), "spare bytes of its header must be 0"),
    "negative count": (put(STREAM, 15, 0x80), "must be long enough for its symbols, but got -9223372036854726556"),
    "huge count": (put(STREAM, 15, 0x7F), "must be long enough for its symbols"),
    "symbols reversed": (put(STREAM, 4, 200), "must be a range"),
    "symbols of an empty stream": (put(rans.encode(SMALL[:0]), 4, 1, 1), "must be a range"),
    "table cut": (STREAM[:20], "must hold its table, but got its end"),
    "frequencies": (put(STREAM, 18, 1), "frequencies must add up to 32768"),
    "more symbols": (put(STREAM, 5, 103), "first and last symbol must occur"),
    "fewer symbols": (put(STREAM, 5, 101), "first and last symbol must occur"),
    "no first symbol": (put(STREAM, 16, 0b11110), "first and last symbol must occur"),
    "padding of the table": (put(STREAM, 25, 1), "table must be padded with 0"),
    "index cut": (STREAM[:30], "must hold its index, but got its end"),
    "longer block": (put(STREAM, 26, 0xFF), "blocks must end where it ends"),
    "a byte more": (np.append(STREAM, np.uint8(0)), "blocks must end where it ends, but got 1 off"),
    "a byte less": (STREAM[:-1], "blocks must end where it ends, but got -1 off"),
}


@pytest.mark.parametrize("stream, match", MALFORMED.values(), ids=MALFORMED)
def test_malformed_streams_are_refused(stream, match):
    for call in (lambda: rans.check(stream, COUNT, 255, "w"), lambda: rans.decode(stream, COUNT, 1, "w")):
        with pytest.raises(TableModelError, match=r"^\[w\] its codes must be a whole stream: .*" + match):
            call()


def test_streams_of_something_else_are_refused():
    with pytest.raises(TableModelError, match=r"\[w\] its codes must be a stream of 25 symbols, but got 24"):
        rans.check(rans.encode(SMALL), 25, 255, "w")
    with pytest.raises(TableModelError, match="its codes must be a stream of symbols up to 3, but got 4"):
        rans.check(rans.encode(SMALL), 24, 3)
    with pytest.raises(TableModelError, match="it must hold 25 symbols, but got 24"):
        rans.decode(rans.encode(SMALL), 25)


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_damaged_block_is_named(block, threads):
    lengths = STREAM[26:34].view("<u2").astype(int)
    begin = 34 + np.r_[0, np.cumsum(4 + 2 * lengths)]
    damaged = STREAM.copy()
    damaged[begin[block] + 4 :] ^= 0x55
    with pytest.raises(TableModelError, match=f"block {block} must end in its first state"):
        rans.decode(damaged, COUNT, threads)


@pytest.mark.parametrize("codes", [SMALL, skewed(400), skewed(300, step=9.0)], ids=["small", "skewed", "one"])
def test_every_truncation_and_every_flipped_bit(codes):
    stream = rans.encode(codes)
    for size in range(len(stream)):
        with pytest.raises(TableModelError):
            rans.decode(stream[:size].copy(), len(codes))
    refused = 0
    for bit in range(8 * len(stream)):
        flipped = stream.copy()
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert len(rans.decode(flipped, len(codes))) == len(codes)
        except TableModelError:
            refused += 1
    assert refused > 7 * len(stream)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_junk(data):
    """Some bytes of a stream become others, or all of it behind its first bytes is junk."""
    stream = rans.encode(skewed(data.draw(st.sampled_from([50, 17000]))))
    if data.draw(st.booleans()):
        tail = np.frombuffer(data.draw(st.binary(max_size=200)), np.uint8)
        stream = np.concatenate([stream[: data.draw(st.integers(0, 60))], tail])
    for _ in range(data.draw(st.integers(0, 4))):
        if len(stream):
            stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        count, _ = _native.rans_head(stream)
        assert len(_native.rans_decode(stream, count, 1)) == count
    except ValueError:
        pass
