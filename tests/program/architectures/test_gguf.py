"""A model as its GGUF converter would write it gives the same program and the same canonical tensors."""

from typing import Any

import numpy as np
import pytest
from tiny_models import FakeSource, load

from tabulae.errors import ModelError
from tabulae.program import architectures

KEYS = {
    "block_count": ("num_hidden_layers", "n_layer"),
    "embedding_length": ("hidden_size", "n_embd"),
    "feed_forward_length": ("intermediate_size", "n_inner", "ffn_hidden_size"),
    "attention.head_count": ("num_attention_heads", "n_head"),
    "attention.head_count_kv": ("num_key_value_heads",),
    "attention.key_length": ("head_dim",),
    "context_length": ("max_position_embeddings", "n_positions"),
    "attention.layer_norm_rms_epsilon": ("rms_norm_eps",),
    "attention.layer_norm_epsilon": ("layer_norm_epsilon",),
    "attention.sliding_window": ("sliding_window",),
}


def interleaved(x: np.ndarray, heads: int) -> np.ndarray:
    """What llama's converter does to q and k: the halves of a head become pairs."""
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def llama(name: str, x: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    if ".q_proj." in name:
        return interleaved(x, config["num_attention_heads"])
    return interleaved(x, config["num_key_value_heads"]) if ".k_proj." in name else x


def gemma3(name: str, x: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    return x + np.float32(1) if name.endswith("norm.weight") else x


def gpt2(name: str, x: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    return x.T if ".c_" in name else x


def falcon(name: str, x: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """Queries, keys and values of every group become all queries, all keys, all values."""
    if "query_key_value" not in name:
        return x
    heads, groups = config["num_attention_heads"], 1 if config["multi_query"] else config["num_kv_heads"]
    if config["new_decoder_architecture"]:
        groups = config["num_kv_heads"]
    grouped = x.reshape(groups, heads // groups + 2, 64 // heads, *x.shape[1:])
    parts = grouped[:, :-2], grouped[:, [-2]], grouped[:, [-1]]
    return np.concatenate([part.reshape(-1, *x.shape[1:]) for part in parts])


HABITS = {"llama": llama, "gemma3": gemma3, "gpt2": gpt2, "falcon": falcon}


def converted(source: FakeSource, arch: str) -> FakeSource:
    """Names by the gguf library, values by the converter's habits."""
    gguf = pytest.importorskip("gguf")
    config, enum = source.metadata, {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}[arch]
    names = gguf.get_tensor_name_map(enum, 3)
    habit = HABITS.get(arch, lambda name, x, config: x)
    tensors = {
        names.get_name(name, try_suffixes=(".weight", ".bias")): habit(name, x, config)
        for name, x in source.tensors.items()
    }
    metadata: dict[str, Any] = {"general.architecture": arch}
    for key, candidates in KEYS.items():
        value = next((config[c] for c in candidates if config.get(c) is not None), None)
        if value is not None:
            metadata[f"{arch}.{key}"] = value
    if arch == "falcon":
        kv = config["num_kv_heads"] if config["new_decoder_architecture"] else 1
        metadata["falcon.attention.head_count_kv"] = kv
    rope = config.get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    if rope:
        metadata[f"{arch}.rope.freq_base"] = rope["rope_theta"]
    if rope.get("rope_type") == "linear":
        metadata |= {f"{arch}.rope.scaling.type": "linear", f"{arch}.rope.scaling.factor": rope["factor"]}
    return FakeSource("gguf", metadata, tensors)


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


def test_the_rotation_factors_of_a_gguf_are_no_weight_of_the_program() -> None:
    theirs = converted(load("llama")[0], "llama")
    theirs = FakeSource("gguf", theirs.metadata, {**theirs.tensors, "rope_freqs.weight": np.full(8, 2, np.float32)})
    architecture = architectures.find(theirs)
    config = architecture.config(theirs)
    assert config.decoder.turn.inv_freq[0] == 0.5
    architecture.tensors(theirs, config)


def test_a_gguf_without_embedding_is_refused() -> None:
    theirs = converted(load("llama")[0], "llama")
    theirs = FakeSource("gguf", theirs.metadata, {})
    with pytest.raises(ModelError, match=r"missing: token_embd.weight"):
        architectures.find(theirs).config(theirs)
