"""A model as its GGUF converter would write it gives the same program and the same canonical tensors."""

from typing import Any

import numpy as np
import pytest
from tiny_gguf import converted
from tiny_models import FakeSource, load

from tabulae.errors import ModelError
from tabulae.program import architectures
from tabulae.program.graph import Decoder

YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16}


def _as_gguf_can_say(gemma: FakeSource) -> FakeSource:
    """Every sixth layer sees all, the local base is 10000, and the scale follows from the head."""
    ropes = {**gemma.metadata["rope_parameters"], "sliding_attention": {"rope_theta": 1e4}}
    changes = {"layer_types": ["sliding_attention"] * 3, "query_pre_attn_scalar": 24, "rope_parameters": ropes}
    return FakeSource("huggingface", {**gemma.metadata, **changes}, gemma.tensors)


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        ("llama", "llama"),
        ("llama_biased", "llama"),
        ("qwen2", "qwen2"),
        ("qwen3", "qwen3"),
        ("gemma3", "gemma3"),
        ("gpt2", "gpt2"),
        ("falcon", "falcon"),
        ("falcon_new", "falcon"),
    ],
)
def test_gguf_and_hugging_face_agree(name: str, arch: str) -> None:
    ours, _ = load(name)
    if arch == "gemma3":
        ours = _as_gguf_can_say(ours)
    theirs = converted(ours, arch)
    architecture = architectures.find(theirs)
    assert architecture is architectures.find(ours)
    config, other = architecture.config(ours), architecture.config(theirs)
    assert architecture.program(other) == architecture.program(config)
    canonical, read = architecture.tensors(ours, config), architecture.tensors(theirs, other)
    for key in canonical:
        assert read[key].shape == canonical[key].shape
        np.testing.assert_array_equal(read[key].read(theirs), canonical[key].read(ours))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("llama", {"rope_parameters": YARN}),
        ("qwen2", {"rope_parameters": {**YARN, "beta_fast": 4.0, "beta_slow": 0.5, "attention_factor": 1.25}}),
        ("qwen3", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 3.0}}),
        ("gemma3", {"final_logit_softcapping": 20.0}),
    ],
)
def test_options_mean_the_same_in_both(name: str, change: dict[str, Any]) -> None:
    ours = FakeSource("huggingface", {**load(name)[0].metadata, **change}, load(name)[0].tensors)
    ours = _as_gguf_can_say(ours) if name == "gemma3" else ours
    assert _program(converted(ours, name)) == _program(ours)


@pytest.mark.parametrize(
    ("pattern", "windows"),
    [(2, (7, None, 7)), ([True, False, True], (7, None, 7)), (1, (None, None, None)), (6, (7, 7, 7))],
)
def test_window_patterns_of_gemma(pattern: object, windows: tuple[int | None, ...]) -> None:
    theirs = converted(_as_gguf_can_say(load("gemma3")[0]), "gemma3")
    keys = {**theirs.metadata, "gemma3.attention.sliding_window_pattern": pattern}
    theirs = FakeSource("gguf", keys, theirs.tensors)
    assert architectures.find(theirs).config(theirs).decoder.windows == windows
    short = FakeSource("gguf", {**keys, "gemma3.attention.sliding_window_pattern": [True]}, theirs.tensors)
    with pytest.raises(ModelError, match="there must be one for each of 3 layers, but got 1"):
        architectures.find(short).config(short)


def _program(source: FakeSource) -> Decoder:
    architecture = architectures.find(source)
    return architecture.program(architecture.config(source))


def test_the_rotation_factors_of_a_gguf_are_no_weight_of_the_program() -> None:
    theirs = converted(load("llama")[0], "llama")
    theirs = FakeSource("gguf", theirs.metadata, {**theirs.tensors, "rope_freqs.weight": np.full(8, 2, np.float32)})
    architecture = architectures.find(theirs)
    config = architecture.config(theirs)
    assert config.turn.inv_freq[0] == 0.5
    architecture.tensors(theirs, config)


def test_a_gguf_without_embedding_is_refused() -> None:
    theirs = converted(load("llama")[0], "llama")
    theirs = FakeSource("gguf", theirs.metadata, {})
    with pytest.raises(ModelError, match=r"missing: token_embd.weight"):
        architectures.find(theirs).config(theirs)
