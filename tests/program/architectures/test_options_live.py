"""Options of every family: folders that transformers saves open without flags and give its logits."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from saved_model import difference, expected, longest, saved

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]
LLAMA = {
    "vocab_size": 128, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "head_dim": 16,
}  # fmt: skip
OPT = {
    "vocab_size": 128, "hidden_size": 64, "ffn_dim": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 128, "word_embed_proj_dim": 64,
}  # fmt: skip
SIZES: dict[str, dict[str, Any]] = {
    "llama": LLAMA,
    "qwen2": {key: value for key, value in LLAMA.items() if key != "head_dim"},
    "qwen3": LLAMA,
    "gemma3_text": {**LLAMA, "num_hidden_layers": 7, "sliding_window": 8},
    "gpt2": {"vocab_size": 128, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "opt": OPT,
    "falcon": {"vocab_size": 128, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4},
}


def rope(kind: str, **more: object) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 1e4, **more}}


YARN = {"factor": 4.0, "original_max_position_embeddings": 32}
LLAMA3 = {**YARN, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LONG = {"short_factor": [1.0 + i / 9 for i in range(8)], "long_factor": [2.0 + i for i in range(8)], "factor": 4.0}
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("llama", {}),
    ("llama", {"tie_word_embeddings": True}),
    ("llama", {"attention_bias": True, "mlp_bias": True}),
    ("llama", {"head_dim": 24}),
    ("llama", {"rms_norm_eps": 0.1}),
    *(("llama", {"hidden_act": act}) for act in ("gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "relu")),
    ("llama", rope("linear", factor=2.0)),
    ("llama", rope("dynamic", factor=2.0)),
    ("llama", rope("llama3", **LLAMA3)),
    ("llama", rope("yarn", **YARN)),
    ("llama", rope("yarn", **YARN, attention_factor=1.5, beta_fast=8.0, beta_slow=2.0, truncate=False)),
    ("llama", rope("yarn", **YARN, mscale=0.7, mscale_all_dim=1.4)),
    ("llama", rope("longrope", **LONG, original_max_position_embeddings=32)),
    ("llama", rope("longrope", **LONG, original_max_position_embeddings=64)),
    ("qwen2", {}),
    ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}),
    (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]},
    ),
    ("qwen2", rope("yarn", **YARN)),
    ("qwen3", {"attention_bias": True}),
    ("qwen3", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}),
    ("qwen3", rope("yarn", **YARN)),
    ("gemma3_text", {}),
    ("gemma3_text", {"tie_word_embeddings": False}),
    ("gemma3_text", {"final_logit_softcapping": 5.0}),
    ("gemma3_text", {"query_pre_attn_scalar": 32}),
    ("gemma3_text", {"attention_bias": True}),
    ("gemma3_text", {"layer_types": ["full_attention", "sliding_attention"] * 3 + ["full_attention"]}),
    ("gpt2", {"n_inner": 100, "activation_function": "relu"}),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
    ("gpt2", {"scale_attn_weights": False}),
    ("gpt2", {"tie_word_embeddings": False}),
    ("opt", {}),
    ("opt", {"word_embed_proj_dim": 32}),
    ("opt", {"do_layer_norm_before": False}),
    ("opt", {"enable_bias": False, "_remove_final_layer_norm": True}),
    ("opt", {"tie_word_embeddings": False, "activation_function": "gelu"}),
    ("falcon", {}),
    ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1}),
    ("falcon", {"parallel_attn": False, "bias": True, "ffn_hidden_size": 100, "activation": "relu"}),
    ("falcon", {"alibi": True, "multi_query": False, "parallel_attn": False}),
    ("falcon", rope("yarn", **YARN)),
]


@pytest.mark.parametrize(("model_type", "options"), OPTIONS, ids=str)
def test_the_logits_of_transformers(model_type: str, options: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    model = saved(tmp_path, {"model_type": model_type, **SIZES[model_type], **options})
    assert difference(tmp_path, expected(model), context=longest(options)) < 1e-5


def test_a_second_spelling_and_a_head_that_differs(tmp_path: Path) -> None:
    """The config.json of a folder was edited; transformers reads it again."""
    import json

    transformers = pytest.importorskip("transformers")
    saved(tmp_path, {"model_type": "qwen3", **SIZES["qwen3"]})
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"tie_word_embeddings": True, "rope_scaling": {"rope_type": "yarn", **YARN}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype="float32").eval()
    assert difference(tmp_path, expected(model)) < 1e-5
