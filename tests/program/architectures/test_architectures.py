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
    reading = architectures.find(FakeSource(kind, metadata, {})).readings[kind == "huggingface"]
    assert reading.kind == kind and model_type in reading.families


@pytest.mark.parametrize("metadata", [{}, {"model_type": "mamba"}])
def test_an_unknown_architecture_names_the_known_ones(metadata: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"must be known, but got .*accepted: .*falcon, .*gpt2, .*llama, .*qwen2"):
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


EMBEDDINGS = {
    "llama": "model.embed_tokens.weight",
    "gemma3": "model.embed_tokens.weight",
    "gpt2": "transformer.wte.weight",
    "opt": "model.decoder.embed_tokens.weight",
    "falcon": "transformer.word_embeddings.weight",
}
HEADS = [(True, "none", True), (True, "equal", True), (True, "other", False), (False, "equal", False)]


@pytest.mark.parametrize("name", EMBEDDINGS)
@pytest.mark.parametrize(("said", "head", "tied"), HEADS)
def test_a_head_that_differs_from_the_embedding_is_kept(name: str, said: bool, head: str, tied: bool) -> None:
    """As transformers 5 does it, whatever config.json says."""
    made = with_head(name, said, head)
    architecture = architectures.find(made)
    weights = architecture.program(architecture.config(made)).weights()
    assert ("lm_head.weight" in weights) != tied
    check(made)


@pytest.mark.parametrize(("name", "tied"), [("llama", False), ("gemma3", True), ("gpt2", True), ("falcon", True)])
def test_a_silent_config_is_tied_where_its_class_is(name: str, tied: bool) -> None:
    made = with_head(name, None, "equal")
    architecture = architectures.find(made)
    assert ("lm_head.weight" in architecture.program(architecture.config(made)).weights()) != tied
    if not tied:
        with pytest.raises(ModelError, match=r"missing: lm_head.weight"):
            check(with_head(name, None, "none"))


def with_head(name: str, said: bool | None, head: str) -> FakeSource:
    source, _ = load(name)
    tensors = {key: x for key, x in source.tensors.items() if key != "lm_head.weight"}
    if head != "none":
        tensors["lm_head.weight"] = tensors[EMBEDDINGS[name]] * np.float32(1 if head == "equal" else 2)
    return FakeSource("huggingface", {**source.metadata, "tie_word_embeddings": said}, tensors)


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
    assert config.decoder.windows[:7] == (1024,) * 5 + (None, 1024)
    assert config.scale == 0.0625 and config.decoder.turn.inv_freq[0] == 0.125 and config.local.inv_freq[0] == 1
    assert config.decoder.turn.inv_freq[-1] == pytest.approx(1e6 ** -(254 / 256) / 8)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("llama", {"hidden_size": None}, r"\[hidden_size\] the configuration must hold an integer in 1\.\."),
        ("llama", {"num_hidden_layers": 10**9}, r"an integer in 1\.\.4096, but got 1000000000"),
        ("llama", {"num_attention_heads": "4"}, "an integer in"),
        ("llama", {"vocab_size": True}, "an integer in"),
        ("llama", {"num_key_value_heads": 3}, "multiple of that of key-value heads"),
        ("llama", {"rms_norm_eps": float("nan")}, "a positive number"),
        ("llama", {"hidden_act": "silu", "hidden_activation": "relu"}, "spellings of one key must agree, but"),
        ("gemma3", {"hidden_act": "gelu"}, "spellings of one key must agree"),
        ("llama", {"query_flash_attention_scale": 2.0}, "but got query_flash_attention_scale = 2.0"),
        ("llama", {"attn_temperature_dropout": 2.0}, "but got attn_temperature_dropout = 2.0"),
        ("llama", {"hidden_act": "mish"}, "activation function must be known, but got mish; accepted: silu"),
        ("llama", {"rope_parameters": {"rope_type": "su", "factor": 2.0}}, "kind must be known, but got su"),
        ("llama", {"rope_parameters": {"rope_type": "linear"}}, r"\[factor\] the configuration must hold a positive"),
        ("llama", {"vocab_size": 200}, r"embed_tokens.weight\] the shape must be 200 x 64, but got 199 x 64"),
        ("gpt2", {"n_head": 5}, "the heads must divide the hidden size"),
        ("gpt2", {"add_cross_attention": True}, r"add_cross_attention = True \(only False\)"),
        ("gemma3", {"attn_logit_softcapping": 30.0}, r"attn_logit_softcapping = 30.0 \(only None\)"),
        ("gemma3", {"final_logit_softcapping": -1.0}, "a positive number"),
        ("gemma3", {"layer_types": ["full_attention"]}, r"for each of 3 layers, but got \['full"),
        ("gemma3", {"layer_types": 3}, "for each of 3 layers, but got 3"),
        ("gemma3", {"layer_types": [["full_attention"]] * 3}, "a list of full_attention or sliding_attention"),
        ("qwen2", {"max_window_layers": "all"}, r"\[max_window_layers\] .* an integer in 0\.\."),
        ("gemma3", {"layer_types": ["chunked_attention"] * 3}, "a list of full_attention or sliding_attention"),
        ("qwen2", {"layer_types": ["sliding_attention"] * 2, "sliding_window": 4}, r"\[sliding_window\] .* got None"),
        (
            "llama",
            {"attention_bias": "no"},
            r"\[attention_bias\] the configuration must hold true or false, but got 'no'",
        ),
        ("llama", {"max_position_embeddings": 1 << 21}, r"\[constant inv_freq\] angles must stay below 2\^20"),
        ("gemma3", {"rope_parameters": {"full_attention": 1}}, r"\[full_attention\] .* must hold a record, but got 1"),
        ("llama", {"rope_parameters": "default"}, "must hold a record, but got 'default'"),
        ("llama", {"hidden_act": ["silu"]}, "activation function must be known"),
        ("opt", {"layer_norm_elementwise_affine": False}, r"layer_norm_elementwise_affine = False \(only True\)"),
    ],
)
def test_configurations_that_cannot_be_run(name: str, change: dict[str, object], message: str) -> None:
    source, _ = load(name)
    with pytest.raises(ModelError, match=message):
        check(FakeSource("huggingface", {**source.metadata, **change}, source.tensors))
