"""Every key of a configuration is read, known to change nothing, or refused by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_gguf import converted
from tiny_models import CONFIGS, FakeSource, load

from tabulae.errors import ModelError, UsageError
from tabulae.program import architectures
from tabulae.program.architectures._keys import Keys, Recorded

# What published folders of transformers 4 hold beside sizes.
PUBLISHED: dict[str, Any] = {
    "_name_or_path": "someone/model", "architectures": ["X"], "auto_map": {"AutoConfig": "x.X"}, "use_cache": True,
    "transformers_version": "4.43.0", "torch_dtype": "bfloat16", "unsloth_version": "2025.1", "unsloth_fixed": True,
    "attention_dropout": 0.1, "initializer_range": 0.02, "bos_token_id": 1, "eos_token_id": [2, 3],
    "pad_token_id": None,
    "_attn_implementation_autoset": True, "attn_implementation": "sdpa", "cache_implementation": "hybrid",
    "is_decoder": True, "tie_encoder_decoder": False, "is_encoder_decoder": False, "pruned_heads": {}, "prefix": "</s>",
    "do_sample": False, "temperature": 1.0, "repetition_penalty": 1.0, "max_length": 20, "num_return_sequences": 1,
    "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "task_specific_params": {"text-generation": {"max": 50}},
    "transformers.js_config": {"dtype": "q4"}, "pretraining_tp": 1, "suppress_tokens": None, "unknown": None,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "llama": {"is_llama_config": True, "rope_interleaved": False, "mlp_bias": False, "head_dim": None},
    "qwen2": {"use_mrope": False, "max_window_layers": 28, "sliding_window": 32768, "use_sliding_window": False},
    "qwen3": {"max_window_layers": 36, "sliding_window": None, "use_sliding_window": False},
    "gemma3": {"attn_logit_softcapping": None, "boi_token_index": 5, "vision_config": {"a": 1}},
    "gpt2": {"n_ctx": 64, "summary_type": "cls_index", "resid_pdrop": 0.1, "reorder_and_upcast_attn": False},
    "opt": {"activation_dropout": 0.0, "layerdrop": 0.0, "init_std": 0.02, "_remove_final_layer_norm": False},
    "falcon": {"apply_residual_connection_post_layernorm": False, "n_head_kv": 4, "hidden_dropout": 0.0},
}  # fmt: skip
GGUF = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gpt2": "gpt2", "falcon": "falcon"}


def configured(name: str, more: dict[str, Any], ignore: tuple[str, ...] = ()) -> Any:
    source, _ = load(name)
    changed = FakeSource("huggingface", {**source.metadata, **more}, source.tensors)
    return architectures.find(source).config(changed, ignore)


def gguf(name: str, more: dict[str, Any], ignore: tuple[str, ...] = ()) -> Any:
    source = converted(load(name)[0], GGUF[name])
    keys = {f"{GGUF[name]}.{key}": value for key, value in more.items()}
    changed = FakeSource("gguf", {**source.metadata, **keys}, source.tensors)
    return architectures.find(source).config(changed, ignore)


@pytest.mark.parametrize("name", OWN)
def test_published_keys_need_no_flags(name: str) -> None:
    assert configured(name, PUBLISHED | OWN[name]) == configured(name, {})


@pytest.mark.parametrize("name", CONFIGS)
def test_an_unknown_key_is_refused_and_may_be_ignored(name: str) -> None:
    with pytest.raises(
        ModelError, match=r"^\[config.json\] every key must .* but got residual_multiplier = 0.22; .*--ig"
    ):
        configured(name, {"residual_multiplier": 0.22})
    assert configured(name, {"residual_multiplier": 0.22}, ("residual_multiplier",)) == configured(name, {})


@pytest.mark.parametrize("name", GGUF)
def test_an_unknown_key_of_a_gguf_is_refused_and_may_be_ignored(name: str) -> None:
    full = f"{GGUF[name]}.residual_scale"
    with pytest.raises(ModelError, match=rf"^\[metadata\] every key must .* but got {full} = 0.22; .*--ignore-key"):
        gguf(name, {"residual_scale": 0.22})
    assert gguf(name, {"residual_scale": 0.22}, (full,)) == gguf(name, {})


@pytest.mark.parametrize(
    ("key", "neutral", "other"),
    [
        ("attention.causal", True, False),
        ("attention.clamp_kqv", 0.0, 8.0),
        ("attention.max_alibi_bias", 0.0, 8.0),
        ("attention.sliding_window", 0, 4096),
        ("attn_logit_softcapping", 0.0, 50.0),
        ("final_logit_softcapping", 0.0, 30.0),
        ("expert_count", 0, 8),
        ("rope.scaling.yarn_ext_factor", 1.0, 0.5),
    ],
)
def test_keys_of_a_gguf_that_change_nothing_at_one_value(key: str, neutral: object, other: object) -> None:
    assert gguf("llama", {key: neutral}) == gguf("llama", {})
    with pytest.raises(ModelError, match=rf"got llama.{key} = {other} \(only {neutral}\)"):
        gguf("llama", {key: other})


def test_harmless_keys_of_a_gguf() -> None:
    more = {"vocab_size": 199, "tensor_data_layout": "x", "rope.scaling.finetuned": False, "pooling_type": 3}
    assert gguf("llama", more | {"attention.value_length": 16, "rope.dimension_count": 16}) == gguf("llama", {})


@pytest.mark.parametrize("key", ["attention.value_length", "rope.dimension_count"])
def test_widths_of_a_gguf_that_do_not_fit(key: str) -> None:
    with pytest.raises(ModelError, match=rf"\[llama.{key}\] it must be "):
        gguf("llama", {key: 8})


def test_keys_of_others_are_none_of_its_business() -> None:
    source = converted(load("llama")[0], "llama")
    more = {"general.name": "x", "quantize.imatrix.file": "y", "tokenizer.ggml.pre": "z"}
    changed = FakeSource("gguf", {**source.metadata, **more}, source.tensors)
    architecture = architectures.find(source)
    assert architecture.config(changed) == architecture.config(source)


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"rope_parameters": {"rope_theta": 1e4, "rope_type": "default", "factor": 8.0}}, "rope_parameters.factor"),
        ({"rope_parameters": {"rope_theta": 1e4, "mrope_section": [1, 2]}}, "rope_parameters.mrope_section"),
    ],
)
def test_keys_inside_records_count_too(more: dict[str, Any], path: str) -> None:
    with pytest.raises(ModelError, match=f"but got {path} = "):
        configured("llama", more)
    assert configured("llama", more, (path,)) == configured("llama", {})


def test_keys_of_a_nested_text_config() -> None:
    source, _ = load("gemma3")
    architecture = architectures.find(source)

    def nested(**more: object) -> FakeSource:
        text = {**source.metadata, **PUBLISHED, **more}
        return FakeSource("huggingface", {"model_type": "gemma3", "text_config": text}, source.tensors)

    assert architecture.config(nested()) == architecture.config(source)
    with pytest.raises(ModelError, match=r"but got text_config.router_scale = 2, text_config.x = 'a+\.\.; "):
        architecture.config(nested(router_scale=2, x="a" * 99))
    assert architecture.config(nested(x=1), ["text_config.x"]) == architecture.config(source)


def test_what_is_refused_for_its_value_may_be_ignored() -> None:
    yarn = {"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "surprise": 1}}
    assert configured("llama", yarn, ("rope_scaling",)) == configured("llama", {})


@pytest.mark.parametrize("key", ["no_such_key", "rope_parameters.no", "model_type.x"])
def test_a_key_to_ignore_must_be_there(key: str) -> None:
    with pytest.raises(UsageError, match=rf"\[ignore-key\] it must be a key of the configuration, but got {key}"):
        configured("llama", {}, (key,))


records = st.recursive(st.integers(), lambda inner: st.dictionaries(st.text("abc", min_size=1), inner), max_leaves=9)


@given(st.dictionaries(st.text("abc", min_size=1), records), st.data())
def test_what_is_read_and_what_is_not_is_all_there_is(values: dict[str, Any], data: st.DataObject) -> None:
    meta, read = Recorded(values), set()

    def walk(record: Recorded, at: str) -> None:
        for key in sorted(record):
            if data.draw(st.booleans()):
                value = record[key]
                read.add(at + key)
                if isinstance(value, Recorded):
                    walk(value, f"{at}{key}.")

    walk(meta, "")
    unread = dict(meta.unread())
    assert not read & set(unread)
    assert {path.rpartition(".")[0] for path in unread} <= read | {""}
    assert {path for path in paths(values, "") if path.rpartition(".")[0] in read | {""}} == read | set(unread)


def paths(values: dict[str, Any], at: str) -> list[str]:
    inner = (paths(value, f"{at}{key}.") for key, value in values.items() if isinstance(value, dict))
    return [at + key for key in values] + [path for some in inner for path in some]


def test_two_lists_of_one_reason_are_one() -> None:
    both = Keys({"training": "dropout"}, {"a": (1,), "b": (2,)}) | Keys({"training": "*_decay"}, {"b": (3,)})
    assert both.accept("dropout", 0.1) and both.accept("lr_decay", 0.1) and not both.accept("dropouts", 0.1)
    assert both.accept("a", 1) and both.allowed("b") == [3]
