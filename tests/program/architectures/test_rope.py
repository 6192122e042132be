"""Inverse frequencies and both spellings of their configuration."""

import numpy as np
import pytest
from tiny_models import LLAMA3, FakeSource

from tabulae.errors import ModelError
from tabulae.program.architectures._rope import Rope, inverse_frequencies, rope_gguf, rope_huggingface


def test_default() -> None:
    expected = np.float32(1 / 500.0 ** (np.arange(0, 24, 2) / 24))
    assert inverse_frequencies(24, Rope(500.0)) == tuple(expected.tolist())


@pytest.mark.parametrize(
    "meta",
    [
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0}},
        {"rope_theta": 500.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}},
        {"rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 4}},
    ],
)
def test_linear_scaling_in_every_spelling(meta: dict[str, object]) -> None:
    scaled = inverse_frequencies(8, rope_huggingface(meta))
    np.testing.assert_allclose(scaled, np.array(inverse_frequencies(8, Rope(500.0))) / 4, rtol=1e-7)


def test_no_scaling_in_transformers_4() -> None:
    assert inverse_frequencies(8, rope_huggingface({"rope_theta": 500.0, "rope_scaling": None})) == (
        inverse_frequencies(8, Rope(500.0))
    )


def test_llama3_keeps_short_waves_and_slows_long_ones() -> None:
    plain = np.array(inverse_frequencies(24, Rope(500.0)))
    scaled = np.array(inverse_frequencies(24, rope_huggingface({"rope_parameters": LLAMA3})))
    waves = 32 * plain / (2 * np.pi)
    np.testing.assert_array_equal(scaled[waves > 4], plain[waves > 4])
    np.testing.assert_allclose(scaled[waves < 1], plain[waves < 1] / 4, rtol=1e-6)
    between = (waves > 1) & (waves < 4)
    assert between.any() and (scaled[between] < plain[between]).all() and (np.diff(scaled) < 0).all()


def gguf(metadata: dict[str, object], **tensors: np.ndarray) -> Rope:
    named = {name.replace("_weight", ".weight"): x for name, x in tensors.items()}
    return rope_gguf(FakeSource("gguf", {"general.architecture": "llama", **metadata}, named))


def test_gguf_keys() -> None:
    linear = gguf(
        {"llama.rope.freq_base": 500.0, "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}
    )
    expected = np.array(inverse_frequencies(8, Rope(500.0))) / 4
    np.testing.assert_allclose(inverse_frequencies(8, linear), expected, rtol=1e-7)
    none = gguf({"llama.rope.freq_base": 500.0, "llama.rope.scaling.type": "none"})
    assert inverse_frequencies(8, none) == inverse_frequencies(8, Rope(500.0))


def test_gguf_factors() -> None:
    factors = gguf({"llama.rope.freq_base": 500.0}, rope_freqs_weight=np.float32([1, 2, 4, 8]))
    expected = np.array(inverse_frequencies(8, Rope(500.0))) / [1, 2, 4, 8]
    np.testing.assert_allclose(inverse_frequencies(8, factors), expected, rtol=1e-7)
    with pytest.raises(ModelError, match=r"a factor for each of 3 frequencies, but got \(4,\)"):
        inverse_frequencies(6, factors)


def test_gguf_scaling_that_is_not_done_is_refused() -> None:
    with pytest.raises(ModelError, match="must be known, but got yarn; accepted"):
        inverse_frequencies(8, gguf({"llama.rope.scaling.type": "yarn"}))
