"""Layout panel16 against a loop written straight from its definition in docs/format.md."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.artifact.layouts import panel16
from tabulae.errors import UsageError

PLANES = {1: [1], 2: [2], 3: [2, 1], 4: [4], 5: [4, 1], 6: [4, 2], 7: [4, 2, 1], 8: [8]}


def plain_pack(codes, bits):
    """One code, one plane, one byte after the other."""
    rows, cols = codes.shape
    panels, blocks = -(-rows // 16), -(-cols // 32)
    out = np.zeros(panels * blocks * 64 * bits, np.uint8)
    for row in range(rows):
        for col in range(cols):
            h, i, o, k = row // 8 % 2, row % 8, col // 8 % 4, col % 8
            at = (row // 16 * blocks + col // 32) * 64 * bits
            code = int(codes[row, col])
            for plane in PLANES[bits]:
                line, shift = {8: (4 * h + o, 0), 4: (2 * h + o // 2, o % 2 * 4), 2: (h, 2 * o), 1: (0, 4 * h + o)}[
                    plane
                ]
                out[at + 64 * line + 8 * i + k] |= (code & ((1 << plane) - 1)) << shift
                code >>= plane
                at += 64 * plane
    return out


@pytest.mark.parametrize("bits", range(1, 9))
@given(st.integers(1, 40), st.integers(1, 70), st.integers(0, 2**32))
def test_pack_is_the_definition_and_unpack_its_inverse(bits, rows, cols, seed):
    codes = np.random.default_rng(seed).integers(0, 1 << bits, (rows, cols), dtype=np.uint8)
    packed = panel16.pack(codes, bits)
    assert packed.tobytes() == plain_pack(codes, bits).tobytes()
    assert len(packed) == panel16.size(rows, cols, bits)
    assert (panel16.unpack(packed, rows, cols, bits) == codes).all()


@pytest.mark.parametrize("bits", [3, 8])
def test_pieces_of_whole_panels_follow_one_another(bits):
    codes = np.random.default_rng(0).integers(0, 1 << bits, (70, 65), dtype=np.uint8)
    pieces = [panel16.pack(codes[start : start + 32], bits) for start in range(0, 70, 32)]
    assert np.concatenate(pieces).tobytes() == panel16.pack(codes, bits).tobytes()


def test_a_tensor_of_many_pieces(monkeypatch):
    monkeypatch.setattr(panel16, "_PIECE", 1)
    codes = np.random.default_rng(0).integers(0, 8, (50, 40), dtype=np.uint8)
    assert panel16.pack(codes, 3).tobytes() == plain_pack(codes, 3).tobytes()
    assert (panel16.unpack(plain_pack(codes, 3), 50, 40, 3) == codes).all()


def test_first_line_of_four_bits():
    """Row 0: even octets are low nibbles, odd ones high nibbles, eight columns side by side."""
    codes = np.zeros((1, 32), np.uint8)
    codes[0] = np.arange(32) % 16
    packed = panel16.pack(codes, 4)
    assert packed[:8].tobytes().hex() == "8091a2b3c4d5e6f7"
    assert packed[64:72].tobytes().hex() == "8091a2b3c4d5e6f7"
    assert packed[8:64].max() == packed[72:].max() == 0


def test_slices_that_are_not_contiguous():
    codes = np.random.default_rng(0).integers(0, 4, (32, 128), dtype=np.uint8)[:, ::2]
    assert panel16.pack(codes, 2).tobytes() == plain_pack(codes, 2).tobytes()


def test_a_code_that_is_too_wide_is_refused():
    with pytest.raises(UsageError, match="every code must fit 3 bits, but got 8"):
        panel16.pack(np.array([[8]], np.uint8), 3)


def test_a_buffer_of_the_wrong_size_is_refused():
    with pytest.raises(UsageError, match="the buffer must have 64 bytes"):
        panel16.unpack(np.zeros(63, np.uint8), 1, 1, 1)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**32))
def test_multipliers_lie_panel_by_panel(rows, groups, seed):
    multipliers = np.random.default_rng(seed).integers(-127, 128, (rows, groups), dtype=np.int8)
    packed = panel16.pack_multipliers(multipliers)
    assert packed.shape == panel16.multipliers_shape(rows, groups)
    for row in range(packed.shape[0] * 16):
        expected = multipliers[row] if row < rows else 0
        assert (packed[row // 16, :, row % 16] == expected).all()
    assert (panel16.unpack_multipliers(packed, rows) == multipliers).all()
