"""Finding architectures, and tensors that are missing, unknown or of the wrong shape."""

import numpy as np
import pytest
from tiny_models import CONFIGS, FakeSource, load

from tabulae.errors import ModelError
from tabulae.program import architectures


@pytest.mark.parametrize(
    ("kind", "metadata", "model_type"),
    [
        ("huggingface", {"model_type": "gemma3"}, "gemma3_text"),
        ("gguf", {"general.architecture": "llama"}, "llama"),
        ("gguf", {"general.architecture": "falcon"}, "falcon"),
    ],
)
def test_find(kind: str, metadata: dict[str, str], model_type: str) -> None:
    assert model_type in architectures.find(FakeSource(kind, metadata, {})).model_types


@pytest.mark.parametrize("metadata", [{}, {"model_type": "mamba"}])
def test_an_unknown_architecture_names_the_known_ones(metadata: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"must be known, but got .*accepted: falcon, .*gpt2, llama, opt, qwen2"):
        architectures.find(FakeSource("huggingface", metadata, {}))


@pytest.mark.parametrize("name", CONFIGS)
def test_tensors_are_named_in_order_of_first_use(name: str) -> None:
    source, _ = load(name)
    architecture = architectures.find(source)
    config = architecture.config(source)
    assert tuple(architecture.tensors(source, config)) == architecture.program(config).weights()


def check(source: FakeSource) -> None:
    architecture = architectures.find(source)
    architecture.tensors(source, architecture.config(source))


def test_missing_tensors_are_named() -> None:
    source, _ = load("llama")
    left = {name: x for name, x in source.tensors.items() if "layers.1" not in name}
    with pytest.raises(ModelError, match=r"missing: model.layers.1.input_layernorm.weight, .* and 4 more$"):
        check(FakeSource("huggingface", source.metadata, left))


def test_unknown_tensors_are_named() -> None:
    source, _ = load("llama")
    more = {**source.tensors, "model.layers.2.mlp.up_proj.weight": np.zeros((1, 1), np.float32)}
    with pytest.raises(ModelError, match=r"unknown: model.layers.2.mlp.up_proj.weight$"):
        check(FakeSource("huggingface", source.metadata, more))


def test_wrong_shapes_are_named() -> None:
    source, _ = load("gpt2")
    wrong = {**source.tensors, "transformer.h.1.mlp.c_fc.weight": np.zeros((172, 64), np.float32)}
    with pytest.raises(ModelError, match=r"c_fc.weight\] the shape must be 172 x 64, but got 64 x 172"):
        check(FakeSource("huggingface", source.metadata, wrong))


def test_what_a_tied_model_stores_twice_is_read_once() -> None:
    source, _ = load("qwen2")
    twice = {**source.tensors, "lm_head.weight": source.tensors["model.embed_tokens.weight"]}
    twice["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.zeros(8, np.float32)
    check(FakeSource("huggingface", source.metadata, twice))


@pytest.mark.parametrize(("tied", "head"), [(True, False), (False, True), (None, True), (None, False)])
def test_a_silent_config_is_tied_where_the_head_is_absent(tied: bool | None, head: bool) -> None:
    source, _ = load("llama")
    tensors = {name: x for name, x in source.tensors.items() if head or name != "lm_head.weight"}
    made = FakeSource("huggingface", {**source.metadata, "tie_word_embeddings": tied}, tensors)
    architecture = architectures.find(made)
    weights = architecture.program(architecture.config(made)).weights()
    assert ("lm_head.weight" in weights) == head
    check(made)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("gpt2", "transformer.", ""),
        ("llama", "model.", ""),
        ("opt", "model.decoder.", "decoder."),
        ("gemma3", "model.", "language_model.model."),
        ("gemma3", "model.", "model.language_model."),
    ],
)
def test_checkpoints_with_another_prefix(name: str, old: str, new: str) -> None:
    source, _ = load(name)
    renamed = {key.replace(old, new, 1) if key.startswith(old) else key: x for key, x in source.tensors.items()}
    check(FakeSource("huggingface", source.metadata, renamed))


def test_gemma_with_a_nested_text_config_and_a_vision_tower() -> None:
    source, _ = load("gemma3")
    tensors = {**source.tensors, "vision_tower.patch.weight": np.zeros((2, 2), np.float32)}
    nested = FakeSource("huggingface", {"model_type": "gemma3", "text_config": source.metadata}, tensors)
    architecture = architectures.find(nested)
    assert architecture.config(nested) == architecture.config(source)
    check(nested)


def test_a_published_gemma_config_leaves_the_defaults_out() -> None:
    """As the 4B model's does, in the spelling of transformers 4."""
    text = {
        "model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024,
    }  # fmt: skip
    source = FakeSource("huggingface", {"model_type": "gemma3", "text_config": text}, {})
    config = architectures.find(source).config(source)
    assert (config.decoder.heads, config.decoder.kv_heads, config.decoder.head) == (8, 4, 256)
    assert config.windows[:7] == (1024,) * 5 + (None, 1024)
    assert config.scale == 0.0625 and config.decoder.inv_freq[0] == 0.125 and config.local_inv_freq[0] == 1
    assert config.decoder.inv_freq[-1] == pytest.approx(1e6 ** -(254 / 256) / 8)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("llama", {"hidden_size": None}, r"\[hidden_size\] the configuration must hold an integer in 1\.\."),
        ("llama", {"num_hidden_layers": 10**9}, r"an integer in 1\.\.4096, but got 1000000000"),
        ("llama", {"num_attention_heads": "4"}, "an integer in"),
        ("llama", {"vocab_size": True}, "an integer in"),
        ("llama", {"num_key_value_heads": 3}, "multiple of that of key-value heads"),
        ("llama", {"rms_norm_eps": float("nan")}, "a positive number"),
        ("llama", {"hidden_act": "mish"}, "activation function must be known, but got mish; accepted: silu"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "kind must be known, but got yarn"),
        ("llama", {"rope_parameters": {"rope_type": "linear"}}, r"\[factor\] the configuration must hold a positive"),
        ("llama", {"vocab_size": 200}, r"embed_tokens.weight\] the shape must be 200 x 64, but got 199 x 64"),
        ("gpt2", {"n_head": 5}, "the heads must divide the hidden size"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "only False is supported"),
        ("gemma3", {"final_logit_softcapping": 30.0}, "only None is supported, but got 30.0"),
        ("gemma3", {"layer_types": ["full_attention"]}, r"one for each of 3 layers, but got \['full"),
        ("gemma3", {"layer_types": 3}, "a list of one for each of 3 layers, but got 3"),
        ("gemma3", {"rope_parameters": {"full_attention": 1}}, r"\[full_attention\] .* must hold a record, but got 1"),
        ("llama", {"rope_parameters": "default"}, "must hold a record, but got 'default'"),
        ("llama", {"hidden_act": ["silu"]}, "activation function must be known"),
        ("opt", {"layer_norm_elementwise_affine": False}, "only True is supported"),
    ],
)
def test_configurations_that_cannot_be_run(name: str, change: dict[str, object], message: str) -> None:
    source, _ = load(name)
    with pytest.raises(ModelError, match=message):
        check(FakeSource("huggingface", {**source.metadata, **change}, source.tensors))
