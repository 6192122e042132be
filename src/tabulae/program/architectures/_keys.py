"""Every key of a configuration is read, or known to change nothing, or refused by name.

What is read falls out of reading: an architecture sees the configuration through :class:`Recorded`. What changes
nothing stands here and with the architectures as data, each group with its reason.
"""

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tabulae.errors import ModelError, UsageError

Harmless = Mapping[str, str]  # reason -> names or shell patterns, separated by spaces
Neutral = Mapping[str, tuple[object, ...]]  # name or pattern -> the values at which a key changes nothing

# Of GGUF, without the architecture before it. llama.cpp (llama-cpp-python 0.3.36) computes nothing with these either
# and, in the families here, nothing with attn_logit_softcapping nor, but for Gemma, with windows: refused here.
GGUF_HARMLESS: Harmless = {
    "the embedding has as many rows as it has": "vocab_size",
    "how the file came to be; one layout is in use": "tensor_data_layout rope.scaling.finetuned",
    "what is done with hidden states, not with logits": "pooling_type",
}
GGUF_NEUTRAL: Neutral = {
    "attention.causal": (True,),
    "attention.clamp_kqv": (0.0,),
    "attention.max_alibi_bias": (0.0,),
    "attention.sliding_window": (0,),
    "attn_logit_softcapping": (0.0,),
    "expert_count": (0,),
    "expert_used_count": (0,),
    "final_logit_softcapping": (0.0,),
    "rope.scaling.yarn_ext_factor": (1.0, -1.0),
    "rope.scaling.yarn_log_multiplier": (0.0,),
}
HUGGINGFACE_HARMLESS: Harmless = {
    "names and versions": (
        "_name_or_path _commit_hash architectures auto_map custom_pipelines is_llama_config license model_name "
        "model_type transformers_version transformers.js_config unsloth_*"
    ),
    "how weights were stored": "dtype torch_dtype use_bfloat16 fp16 bf16 fp32",
    "training alone": (
        "dropout attention_dropout activation_dropout hidden_dropout hidden_dropout_prob resid_dropout embd_dropout "
        "attn_dropout classifier_dropout attention_probs_dropout_prob summary_first_dropout attn_pdrop embd_pdrop "
        "resid_pdrop layerdrop init_std initializer_range initializer_factor gradient_checkpointing"
    ),
    "tokens, not arithmetic": (
        "bos_token eos_token pad_token unk_token sep_token cls_token mask_token *_token_id *_token_ids *_token_index "
        "prefix suffix tokenizer_class"
    ),
    "lengths, of which max_position_embeddings counts": "max_seq_len max_sequence_length model_max_length seq_length",
    "how it is run": (
        "use_cache cache_implementation attn_implementation _attn_implementation _attn_implementation_internal "
        "_attn_implementation_autoset experts_implementation output_attentions output_hidden_states return_dict "
        "use_return_dict torchscript tf_legacy_loss chunk_size_feed_forward use_flash_attn flash_attn "
        "use_flash_attention use_flash_attention_2 _flash_attn_2_enabled is_decoder"
    ),
    "generation": (
        "do_sample early_stopping max_length max_new_tokens min_length num_beams num_beam_groups repetition_penalty "
        "length_penalty diversity_penalty encoder_repetition_penalty exponential_decay_length_penalty temperature "
        "top_k top_p typical_p no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences "
        "output_scores output_past return_dict_in_generate remove_invalid_values suppress_tokens begin_suppress_tokens"
    ),
    "heads for other tasks": (
        "finetuning_task id2label label2id num_labels _num_labels problem_type task_specific_params"
    ),
    "how a scaling was made": "rope_scaling.finetuned rope_parameters.finetuned",
}
HUGGINGFACE_NEUTRAL: Neutral = {
    "*partial_rotary_factor": (1,),
    "add_cross_attention": (False,),
    "is_encoder_decoder": (False,),
    "pretraining_tp": (1,),
    "pruned_heads": ({},),
    "tie_encoder_decoder": (False,),
}
COMMON = {"gguf": (GGUF_HARMLESS, GGUF_NEUTRAL), "huggingface": (HUGGINGFACE_HARMLESS, HUGGINGFACE_NEUTRAL)}
WAY_OUT = "read the model as if a key were not there: --ignore-key KEY, ignore_keys=[KEY]"


class Recorded(Mapping[str, Any]):
    """A configuration that remembers what was read of it, nested records too; ``ignored`` paths are not in it.

    >>> meta = Recorded({"a": 1, "b": {"c": 2, "d": None, "e": 3}, "f": 4}, ["f"])
    >>> meta["a"], meta["b"].get("c"), meta.get("f"), dict(meta.unread())
    (1, 2, None, {'b.e': 3})
    """

    def __init__(self, values: Mapping[str, Any], ignored: Collection[str] = (), at: str = "") -> None:
        self._at = at
        self._read: set[str] = set()
        self._values = {
            key: Recorded(value, ignored, f"{at}{key}.") if isinstance(value, Mapping) else value
            for key, value in values.items()
            if at + key not in ignored
        }

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def unread(self) -> Iterator[tuple[str, Any]]:
        """Path and value of every key that was not read; what is null says nothing."""
        for key, value in self._values.items():
            if key not in self._read and value is not None:
                yield self._at + key, value
            elif isinstance(value, Recorded):
                yield from value.unread()


def recorded(metadata: Mapping[str, Any], ignored: Collection[str]) -> Recorded:
    """The configuration without ``ignored`` keys.

    :raises UsageError: one of them is not there, in its full spelling (``rope_scaling.factor``)
    """
    known = {path for path in ignored if _holds(metadata, path)}
    if missing := sorted(set(ignored) - known):
        raise UsageError("ignore-key", "it must be a key of the configuration", ", ".join(missing))
    return Recorded(metadata, known)


def _holds(metadata: Mapping[str, Any], path: str) -> bool:
    """GGUF's keys have dots themselves."""
    if path in metadata:
        return True
    first, _, rest = path.partition(".")
    return isinstance(metadata.get(first), Mapping) and _holds(metadata[first], rest)


def check_keys(meta: Recorded, kind: str, prefix: str, harmless: Harmless, neutral: Neutral) -> None:
    """Refuse what was not read and is not known to change nothing.

    ``prefix``: before the keys of the architecture; others are none of its business.

    :raises ModelError: naming all of them
    """
    reasons, values = COMMON[kind]
    patterns = " ".join([*reasons.values(), *harmless.values()]).split()
    accepted = {**values, **neutral}
    refused = []
    for path, value in meta.unread():
        if path.startswith(prefix):
            name = path.removeprefix(prefix).removeprefix("text_config.")
            allowed = [value for pattern in accepted if fnmatchcase(name, pattern) for value in accepted[pattern]]
            fits = name in patterns or (
                not isinstance(value, Mapping) and any(fnmatchcase(name, pattern) for pattern in patterns)
            )
            if value not in allowed and not fits:
                refused.append(f"{path} = {_short(value)}" + (f" (only {allowed[0]!r})" if allowed else ""))
    if refused:
        must = "every key must be one that is computed, or known to change nothing"
        raise ModelError("config.json" if kind == "huggingface" else "metadata", must, ", ".join(refused), WAY_OUT)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}.."
