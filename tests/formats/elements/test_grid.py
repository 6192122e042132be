"""grid: the entropy that was asked for, the error that theory promises, and the length of the real stream."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae.codes import rans
from tabulae.errors import UsageError
from tabulae.formats import encode, parse
from tabulae.formats.density import source_density
from tabulae.formats.distributions import LAPLACE, NORMAL, StudentT
from tabulae.formats.elements.grid import Grid

SOURCES = {"normal": NORMAL, "laplace": LAPLACE, "t5": StudentT.unit(5)}
# Integrals for endless weights, nearest rounding and no gain: step and R where the entropy is 3, 4 and 5 bits.
ORACLES = {
    "normal": [(3, 0.52243, 0.15081), (4, 0.25902, 0.07477), (5, 0.12924, 0.03731)],
    "laplace": [(3, 0.48795, 0.13989), (4, 0.24129, 0.06954), (5, 0.12027, 0.03470)],
    "t5": [(3, 0.49929, 0.14413), (4, 0.24726, 0.07138), (5, 0.12333, 0.03560)],
}
CASES = [(source, *values) for source, rows in ORACLES.items() for values in rows]


def sample(source, shape=(256, 1024)):
    rng = np.random.default_rng(11)
    draw = {"normal": rng.standard_normal, "laplace": rng.laplace, "t5": lambda size: rng.standard_t(5, size)}[source]
    scale = {"normal": 1, "laplace": 0.5**0.5, "t5": 0.6**0.5}[source]
    return (draw(size=shape) * scale).astype(np.float32)


def entropy(codes):
    """Bits a weight."""
    counts = np.bincount(codes.reshape(-1))
    shares = counts[counts > 0] / codes.size
    return float(-shares @ np.log2(shares))


def relative_error(decoded, x):
    return float(np.linalg.norm((decoded - x).astype(np.float64)) / np.linalg.norm(x.astype(np.float64)))


@pytest.mark.parametrize(("source", "bits", "step", "error"), CASES)
def test_the_step_is_the_one_of_theory(source, bits, step, error):
    codebook = Grid(bits, rd=0).fit(source_density(SOURCES[source]))
    assert codebook.unit == pytest.approx(step, rel=5e-4)
    found = source_density(SOURCES[source]).error(codebook.unit * np.arange(-2000, 2001)) ** 0.5
    assert found == pytest.approx(error, rel=5e-4)


@pytest.mark.parametrize("granularity", ["tensor", "row"])
@pytest.mark.parametrize(("source", "bits", "step", "error"), CASES)
def test_error_entropy_and_length_on_samples(source, bits, step, error, granularity):
    """Half a percent of the error of endless weights (less what the gain saves), and of the entropy."""
    sparse = "/sparse=0.0001" if (source, bits, granularity) == ("t5", 5, "tensor") else ""  # beyond 127 steps
    x = sample(source)
    encoded = encode(parse(f"grid:{bits},rd=0/{granularity}/rms{sparse}"), x)
    h = entropy(encoded.codes)
    assert h == pytest.approx(bits, abs=0.006)  # a bfloat16 step: 2^-8 of the step, .0028 bits, and the sample
    gain = (1 - error**2) ** 0.5
    found = relative_error(encoded.decode(), x) / gain * 2 ** (h - bits)
    assert found == pytest.approx(error, rel=0.007 if source == "t5" else 0.005)
    assert rans.encode(encoded.codes).nbytes * 8 / x.size == pytest.approx(h, rel=0.005)


@pytest.mark.parametrize("bits", [1.5, 2, 3])
@pytest.mark.parametrize("source", ["laplace", "t5"])
def test_shifted_thresholds_are_better_at_equal_bits(source, bits):
    x, found = sample(source), {}
    for rd in (0, 0.1):
        encoded = encode(parse(f"grid:{bits},rd={rd}/row/rms"), x)
        found[rd] = relative_error(encoded.decode(), x) * 2 ** (encoded.bits / x.size)
    assert found[0.1] < found[0] * (0.998 if bits == 3 else 0.995)


@pytest.mark.parametrize("granularity", ["tensor", "row", "g64"])
def test_bits_are_those_of_the_stream(granularity):
    x = sample("laplace", (64, 640))
    encoded = encode(parse(f"grid:2.5/{granularity}/rms"), x)
    scales = {"tensor": 16, "row": 16 * 64, "g64": 16 * 64 + 8 * 640}[granularity]
    assert encoded.bits == 8 * rans.encode(encoded.codes).nbytes + scales
    assert entropy(encoded.codes) == pytest.approx(2.5, abs=0.01)


def test_codepoints_are_the_integers_about_zero():
    matrix = encode(parse("grid:3/tensor/rms"), sample("normal")).matrix
    k = int(matrix.codes.max()) // 2
    assert matrix.bits == 5 and 7 < k < 15
    assert matrix.codebook.tolist() == [*range(-k, k + 1)] + [0] * (31 - 2 * k)


@pytest.mark.parametrize(("bits", "width"), [(0.5, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7), (6, 8)])
def test_resident_bits_follow_from_the_weights(bits, width):
    x = np.clip(sample("normal"), -4, 4)
    assert encode(parse(f"grid:{bits}/tensor/rms"), x).matrix.bits in (width, width - 1)
    assert parse(f"grid:{bits}/tensor/rms").element.bits == 8  # planned


def test_a_row_with_a_far_weight_keeps_it():
    x = sample("normal", (4, 1024))
    x[2, 5] = 300
    decoded = encode(parse("grid:5/row/rms"), x).decode()
    assert decoded[2, 5] == pytest.approx(300, rel=0.005)
    assert relative_error(decoded[[0, 1, 3]], x[[0, 1, 3]]) < 0.04


def test_a_tensor_with_far_weights_clips_them_no_more_than_pays():
    x = sample("t5")
    errors = [relative_error(encode(parse(f"grid:{b}/tensor/rms"), x).decode(), x) for b in (4, 5, 6, 7)]
    assert all(finer < 1.01 * coarser for coarser, finer in pairwise(errors))
    sparse = encode(parse("grid:6/tensor/rms/sparse=0.0005"), x)
    assert relative_error(sparse.decode(), x) < errors[2] / 1.5


@pytest.mark.parametrize("values", [[1.0, -1.0], [1.0], [-7.0, -3.0, 1.0, 5.0], list(range(-8, 8))])
def test_weights_of_few_values_are_kept(values):
    """There is no entropy of 5 bits in them: the grid is as fine as it can be."""
    x = np.random.default_rng(0).choice(np.array(values, np.float32), (32, 64))
    encoded = encode(parse("grid:5/tensor/rms"), x)
    assert relative_error(encoded.decode(), x) < 0.012
    assert encoded.bits <= 16 + 8 * 16 + 1.1 * x.size * np.log2(len(values)) + 8 * 60


def test_dead_rows_are_not_counted():
    x = sample("normal")
    x[:128] = 0
    encoded = encode(parse("grid:3/row/rms"), x)
    assert entropy(encoded.codes[128:]) == pytest.approx(3, abs=0.01)
    assert not encoded.decode()[:128].any()


def test_importance_changes_no_code():
    x, form = sample("laplace", (64, 256)), parse("grid:3/row/rms")
    importance = np.linspace(0, 1, 256).astype(np.float32)
    np.testing.assert_array_equal(encode(form, x).codes, encode(form, x, importance).codes)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.5, 7), st.sampled_from([0.0, 0.1, 0.25]), st.sampled_from(["tensor", "row"]))
def test_any_weights(seed, bits, rd, granularity):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 40)), int(rng.integers(1, 90)))
    x = (rng.standard_t(3, shape) * np.exp(3 * rng.standard_normal((shape[0], 1)))).astype(np.float32)
    x[rng.random(shape) < 0.2] = 0
    encoded = encode(parse(f"grid:{bits!r},rd={rd}/{granularity}/rms"), x)
    assert encoded.matrix.codes.max() < 2**encoded.matrix.bits
    assert np.linalg.norm(encoded.decode() - x) <= np.linalg.norm(x) * (1 + 1e-6)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("grid/row/rms", "a number of bits must follow"),
        ("grid:/row/rms", "mean_bits must be a number"),
        ("grid:x/row/rms", "mean_bits must be a number"),
        ("grid:0.4/row/rms", "the average of bits must be 0.5 to 7"),
        ("grid:7.1/row/rms", "the average of bits must be 0.5 to 7"),
        ("grid:3,rd=0.3/row/rms", "rd must be 0 to 0.25"),
        ("grid:3,sign=sym/row/rms", "accepted: rd="),
        ("grid:3/row/absmax", "accepted: rms"),
        ("grid:3/row/search", "accepted: rms"),
    ],
)
def test_wrong_names(name, match):
    with pytest.raises(UsageError, match=match):
        parse(name)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("grid:3.50/row/rms", "grid:3.5/row/rms"),
        ("grid:4,rd=0.1/tensor/rms/entropy", "grid:4/tensor/rms"),
        ("grid:4.0,rd=0/g64/rms/sparse=0.001", "grid:4,rd=0/g64/rms/sparse=0.001"),
    ],
)
def test_names(written, canonical):
    assert str(parse(written)) == canonical and parse(canonical) == parse(written) and parse(written).entropy
