"""Inverse frequencies and both spellings of their configuration."""

import msgspec
import numpy as np
import pytest
from tiny_models import LLAMA3, FakeSource
from tiny_tables import float_model

from tabulae.errors import ModelError
from tabulae.program.architectures._gguf import rope as rope_gguf
from tabulae.program.architectures._huggingface import rope as rope_huggingface
from tabulae.program.architectures._rope import Rope, frequencies


def inverse(rotary: int, rope: Rope) -> tuple[float, ...]:
    found = frequencies(rotary, rope)
    assert (found.scale, found.long) == (1, ())
    return found.inv_freq


def test_two_spellings_of_a_kind_must_agree() -> None:
    with pytest.raises(ModelError, match="must agree, but got rope_type = 'linear', type = 'yarn'"):
        rope_huggingface({"rope_parameters": {"rope_type": "linear", "type": "yarn", "factor": 2.0}}, 64)


def test_bounds_of_llama3_must_lie_apart() -> None:
    values = {"factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    with pytest.raises(ModelError, match=r"it must be larger than low_freq_factor, but got 4\.0"):
        frequencies(8, Rope(500.0, "llama3", values, 64))


def test_default() -> None:
    expected = np.float32(1 / 500.0 ** (np.arange(0, 24, 2) / 24))
    assert inverse(24, Rope(500.0)) == tuple(expected.tolist())


@pytest.mark.parametrize(
    "meta",
    [
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0}},
        {"rope_theta": 500.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}},
        {"rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 4}},
    ],
)
def test_linear_scaling_in_every_spelling(meta: dict[str, object]) -> None:
    scaled = inverse(8, rope_huggingface(meta, 64))
    np.testing.assert_allclose(scaled, np.array(inverse(8, Rope(500.0))) / 4, rtol=1e-7)


def test_no_scaling_in_transformers_4() -> None:
    assert inverse(8, rope_huggingface({"rope_theta": 500.0, "rope_scaling": None}, 64)) == (inverse(8, Rope(500.0)))


def test_llama3_keeps_short_waves_and_slows_long_ones() -> None:
    plain = np.array(inverse(24, Rope(500.0)))
    scaled = np.array(inverse(24, rope_huggingface({"rope_parameters": LLAMA3}, 64)))
    waves = 32 * plain / (2 * np.pi)
    np.testing.assert_array_equal(scaled[waves > 4], plain[waves > 4])
    np.testing.assert_allclose(scaled[waves < 1], plain[waves < 1] / 4, rtol=1e-6)
    between = (waves > 1) & (waves < 4)
    assert between.any() and (scaled[between] < plain[between]).all() and (np.diff(scaled) < 0).all()


def gguf(metadata: dict[str, object], **tensors: np.ndarray) -> Rope:
    named = {name.replace("_weight", ".weight"): x for name, x in tensors.items()}
    return rope_gguf(FakeSource("gguf", {"general.architecture": "llama", **metadata}, named), 64)


def test_gguf_keys() -> None:
    linear = gguf(
        {"llama.rope.freq_base": 500.0, "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}
    )
    expected = np.array(inverse(8, Rope(500.0))) / 4
    np.testing.assert_allclose(inverse(8, linear), expected, rtol=1e-7)
    none = gguf({"llama.rope.freq_base": 500.0, "llama.rope.scaling.type": "none"})
    assert inverse(8, none) == inverse(8, Rope(500.0))


def test_gguf_says_linear_in_three_ways() -> None:
    """llama.cpp, too, takes a factor without a kind for linear, and reads the old key."""
    expected = np.array(inverse(8, Rope(500.0))) / 4
    for key in ("rope.scaling.factor", "rope.scale_linear"):
        np.testing.assert_allclose(
            inverse(8, gguf({"llama.rope.freq_base": 500.0, f"llama.{key}": 4.0})), expected, rtol=1e-7
        )


def test_gguf_factors_multiply_with_a_scaling() -> None:
    weight = np.float32([1, 2, 4, 8])
    plain = np.array(inverse(8, Rope(500.0)))
    factors = gguf({"llama.rope.freq_base": 500.0}, rope_freqs_weight=weight)
    np.testing.assert_allclose(inverse(8, factors), plain / weight, rtol=1e-7)
    both = gguf({"llama.rope.freq_base": 500.0, "llama.rope.scaling.factor": 2.0}, rope_freqs_weight=weight)
    np.testing.assert_allclose(inverse(8, both), plain / weight / 2, rtol=1e-7)
    with pytest.raises(ModelError, match=r"a factor for each of 3 frequencies, but got \(4,\)"):
        inverse(6, factors)


YARN = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 32}


def test_yarn_keeps_short_waves_and_slows_long_ones() -> None:
    plain = np.array(inverse(24, Rope(500.0)))
    found = frequencies(24, rope_huggingface({"rope_parameters": {**YARN, "beta_fast": 4.0}}, 128))
    turns = 32 * plain / (2 * np.pi)  # in the original context
    scaled = np.array(found.inv_freq)
    assert (scaled[turns > 8] == plain[turns > 8]).all()  # well beyond 4: the ramp begins at a whole frequency
    np.testing.assert_allclose(scaled[turns < 0.25], plain[turns < 0.25] / 4, rtol=1e-6)
    assert found.scale == np.float32(0.1 * np.log(4) + 1)


@pytest.mark.parametrize(
    ("more", "scale"),
    [
        ({"attention_factor": 1.5}, 1.5),
        ({"factor": 1.0}, 1.0),
        ({"factor": None}, 0.1 * np.log(4) + 1),  # 128 positions of 32
        ({"mscale": 2.0, "mscale_all_dim": 1.0}, (0.2 * np.log(4) + 1) / (0.1 * np.log(4) + 1)),
        ({"mscale": 2.0}, 0.1 * np.log(4) + 1),
    ],
)
def test_the_attention_factor_of_yarn(more: dict[str, object], scale: float) -> None:
    found = frequencies(24, rope_huggingface({"rope_parameters": {**YARN, **more}}, 128))
    assert found.scale == float(np.float32(scale))


def test_yarn_of_a_gguf_is_that_of_its_folder() -> None:
    keys = {"type": "yarn", "factor": 4.0, "original_context_length": 32, "yarn_beta_fast": 4.0}
    meta = {"llama.rope.freq_base": 500.0, **{f"llama.rope.scaling.{key}": value for key, value in keys.items()}}
    folder = rope_huggingface({"rope_parameters": {**YARN, "beta_fast": 4.0}}, 64)
    assert frequencies(24, gguf(meta)) == frequencies(24, folder)
    scaled = frequencies(24, gguf({**meta, "llama.rope.scaling.attn_factor": 2.0}))
    assert scaled.scale == pytest.approx(2 * frequencies(24, folder).scale)


LONG = {
    "rope_type": "longrope", "rope_theta": 500.0, "short_factor": [1.0, 1.5, 2.0], "long_factor": [2.0, 4.0, 8.0],
    "original_max_position_embeddings": 32,
}  # fmt: skip


def test_longrope_has_two_tables() -> None:
    found = frequencies(6, rope_huggingface({"rope_parameters": LONG}, 128))
    plain = np.array(inverse(6, Rope(500.0)))
    np.testing.assert_allclose(found.inv_freq, plain / LONG["short_factor"], rtol=1e-7)
    np.testing.assert_allclose(found.long, plain / LONG["long_factor"], rtol=1e-7)
    assert found.original == 32 and found.scale == np.float32(np.sqrt(1 + np.log(4) / np.log(32)))
    rotary = found.rotary("q", 6, "f")
    assert set(found.constants("f")) == {"f", "f.long"}
    assert (rotary.frequencies(32), rotary.frequencies(33)) == ("f", "f.long")


def test_a_plain_rotation_takes_no_more_bytes_than_before() -> None:
    """Files and fingerprints of models without scales stay what they are."""
    text = msgspec.json.encode(frequencies(8, Rope(500.0)).rotary("q", 8, "inv_freq"))
    assert text == b'{"op":"rotary","buffer":"q","inv_freq":"inv_freq","head":8}'


def test_dynamic_scaling_begins_beyond_every_session() -> None:
    dynamic = {"rope_type": "dynamic", "rope_theta": 500.0, "factor": 2.0}
    assert inverse(8, rope_huggingface({"rope_parameters": dynamic}, 64)) == inverse(8, Rope(500.0))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({**LONG, "long_factor": [1.0]}, r"\[long_factor\] there must be a factor for each of 3 .* but got \[1.0\]"),
        ({**LONG, "short_factor": [1.0, 0.0, 1.0]}, r"\[short_factor\] the configuration must hold a positive number"),
        ({**LONG, "original_max_position_embeddings": 1}, "it must be of 2 positions or more"),
        ({**YARN, "rope_theta": 1.0}, "with a base above 1"),
        ({**YARN, "truncate": "no"}, r"\[truncate\] the configuration must hold true or false"),
    ],
)
def test_scalings_that_mean_nothing_are_refused(record: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        frequencies(6, rope_huggingface({"rope_parameters": record}, 128))


def test_the_older_spelling_goes_before_the_newer_one() -> None:
    """As in transformers 5; but the base of the newer one is not forgotten."""
    older, newer = {"rope_type": "linear", "factor": 2.0}, {"rope_type": "default", "rope_theta": 500.0}
    both = rope_huggingface({"rope_theta": 500.0, "rope_scaling": older, "rope_parameters": newer}, 64)
    np.testing.assert_allclose(inverse(8, both), np.array(inverse(8, Rope(500.0))) / 2, rtol=1e-7)
    for rest in ({"rope_theta": 500.0, "rope_type": "yarn"}, {"rope_theta": 300.0}):
        with pytest.raises(
            ModelError, match=r"\[rope_parameters\] rope_scaling, which goes before it, must have the same"
        ):
            rope_huggingface({"rope_theta": 500.0, "rope_scaling": older, "rope_parameters": rest}, 64)


def test_the_original_length_may_stand_outside() -> None:
    inside = {key: value for key, value in YARN.items() if "original" not in key}
    meta = {"rope_parameters": inside, "original_max_position_embeddings": 32}
    assert frequencies(24, rope_huggingface(meta, 128)) == frequencies(
        24, rope_huggingface({"rope_parameters": YARN}, 128)
    )


@pytest.mark.parametrize("at", ["rope_scaling", "rope_parameters"])
@pytest.mark.parametrize(
    ("key", "same", "other"), [("rope_theta", 500, 1e4), ("original_max_position_embeddings", 32, 64)]
)
def test_what_stands_outside_and_inside_must_agree(at: str, key: str, same: float, other: float) -> None:
    meta = {"rope_theta": 500.0, at: YARN}
    assert rope_huggingface({**meta, key: same}, 128) is not None
    with pytest.raises(ModelError, match=rf"\[{key}\] spellings .* got {key} = {other}, {at}.{key} = .*--ignore-key"):
        rope_huggingface({**meta, key: other}, 128)


@pytest.mark.parametrize(("key", "inside"), [("rope_theta", "full"), ("rope_local_base_freq", "sliding")])
def test_the_two_bases_of_gemma_must_agree_with_those_outside(key: str, inside: str) -> None:
    full = rf"rope_parameters.{inside}_attention.rope_theta"
    with pytest.raises(ModelError, match=rf"\[{key}\] spellings of one key must agree, but got {key} = 7.0, {full} = "):
        float_model("gemma3", **{key: 7.0})


def test_a_gguf_scaling_that_is_not_done_is_refused() -> None:
    with pytest.raises(
        ModelError, match="must be one that is computed, but got longrope; accepted: none, linear, yarn"
    ):
        gguf({"llama.rope.scaling.type": "longrope"})
    with pytest.raises(ModelError, match="the kind must be known, but got mrope"):
        frequencies(8, gguf({"llama.rope.scaling.type": "mrope"}))
