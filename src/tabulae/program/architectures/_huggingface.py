"""What all architectures in Hugging Face folders share: keys, the sizes of decoders, rotary positions, windows."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack

import numpy as np

from tabulae.errors import ModelError
from tabulae.program.architectures._architecture import HEAD, Reading
from tabulae.program.architectures._config import EMBEDDING, Sizes, Windows, kv_heads
from tabulae.program.architectures._fields import LAYERS, activation, first, flag, integer, number, over, record
from tabulae.program.architectures._keys import Harmless, Keys, Neutral
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._rope import THETA, Rope, frequencies

BLOCK = 1 << 10  # rows
LLAMA = Names(prefixes={"model.": ("",)})
IGNORED = ("*.rotary_emb.inv_freq", "lm_head.weight")  # constants of a rotation, and a head that is the embedding
ORIGINAL = "original_max_position_embeddings"
KINDS = ("full_attention", "sliding_attention")
HARMLESS: Harmless = {
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
NEUTRAL: Neutral = {
    "*partial_rotary_factor": (1,),
    "add_cross_attention": (False,),
    "is_encoder_decoder": (False,),
    "pretraining_tp": (1,),
    "pruned_heads": ({},),
    "tie_encoder_decoder": (False,),
}


def huggingface(
    families: tuple[str, ...],
    read: Callable[[Source], Any],
    names: Names,
    *,
    ignored: tuple[str, ...] = (),
    harmless: Harmless | None = None,
    neutral: Neutral | None = None,
) -> Reading:
    """How folders are read whose ``model_type`` is one of ``families``."""
    keys = Keys(HARMLESS, NEUTRAL) | Keys(harmless or {}, neutral or {})
    return Reading("huggingface", families, read, names, (*IGNORED, *ignored), keys, "config.json")


class Spelling(TypedDict, total=False):
    """What differs among relatives of llama."""

    head: int  # columns per head where config.json is silent, if they do not follow from the width
    rotary: float  # the share of a head that turns, where config.json is silent
    eps: str  # the key
    theta: float  # of the rotation, where config.json is silent


def decoder(source: Source, names: Names, *, tied: bool = False, **more: Unpack[Spelling]) -> Sizes:
    """The common fields; ``tied``: whether the class of the model ties its head where config.json is silent."""
    meta = source.metadata
    turns = rope(meta, integer(meta, "max_position_embeddings"), more.get("theta", THETA))
    return sizes(meta, turns, is_tied(source, names, meta, tied), **more)


def sizes(meta: Mapping[str, Any], rope: Rope, tied: bool, **more: Unpack[Spelling]) -> Sizes:
    """The common fields of a config.json, or of a record in it."""
    hidden, heads = integer(meta, "hidden_size"), integer(meta, "num_attention_heads")
    head = integer(meta, "head_dim", default=more.get("head") or max(hidden // heads, 1))
    rotary = int(head * share(meta, more["rotary"])) if "rotary" in more else head
    return Sizes(
        layers=integer(meta, "num_hidden_layers", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "intermediate_size"),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, "num_key_value_heads", default=heads)),
        head=head,
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "max_position_embeddings"),
        eps=number(meta, more.get("eps", "rms_norm_eps")),
        turn=frequencies(rotary, rope),
        activation=activation(meta, "hidden_act", "hidden_activation"),
        tied=tied,
    )


def share(meta: Mapping[str, Any], default: float) -> float:
    """Of a head, how much turns: transformers 5 says it with the rotation, 4 outside."""
    inner = [record(meta, key).get("partial_rotary_factor") for key in ("rope_scaling", "rope_parameters")]
    outer = meta.get("partial_rotary_factor")
    said = {
        f"{at}partial_rotary_factor": value
        for at, value in zip(("", "rope_scaling.", "rope_parameters."), (outer, *inner), strict=True)
    }
    found = number(said, *said, default=default)
    if found > 1:
        raise ModelError("partial_rotary_factor", "it must be 1 at most", found)
    return found


def windows(meta: Mapping[str, Any], layers: int, sliding: Callable[[int], bool]) -> Windows:
    """The attention window of every layer: by ``layer_types`` of a config.json, else where ``sliding(layer)``."""
    types = meta.get("layer_types")
    if types is None:
        types = [KINDS[sliding(layer)] for layer in range(layers)]
    if not isinstance(types, list) or len(types) != layers or any(kind not in KINDS for kind in types):
        must = f"there must be a list of {' or '.join(KINDS)} for each of {layers} layers"
        raise ModelError("layer_types", must, repr(types))
    window = meta.get("sliding_window")
    return tuple(
        None if kind == KINDS[False] else integer({"sliding_window": window}, "sliding_window") for kind in types
    )


def one_window(meta: Mapping[str, Any], layers: int, default: int | None = None) -> Windows:
    """The same in all layers; null means none, ``default`` is that of the class where config.json is silent."""
    found = meta.get("sliding_window", default)
    return () if found is None else (integer({"sliding_window": found}, "sliding_window"),) * layers


def late_windows(meta: Mapping[str, Any], layers: int) -> Windows:
    """The windows of Qwen 2 and 3: none, or in layers from ``max_window_layers`` on."""
    first, window = integer(meta, "max_window_layers", default=28, least=0), meta.get("sliding_window", 4096)
    window = window if flag(meta, "use_sliding_window") else None
    kinds = {"layer_types": meta.get("layer_types"), "sliding_window": window}
    return windows(kinds, layers, lambda layer: window is not None and layer >= first)


def is_tied(source: Source, names: Names, meta: Mapping[str, Any], default: bool, embedding: str = EMBEDDING) -> bool:
    """Whether the head is the embedding: config.json says so (``default``: the class), and no other
    head is there. Like transformers 5, which keeps a head that differs.
    """
    head, stored = (names.origin(name, None, source.names).name for name in (HEAD, embedding))
    alone = head not in source.names or _equal(source, head, stored)
    return flag(meta, "tie_word_embeddings", default) and alone


def _equal(source: Source, a: str, b: str) -> bool:
    """Whether two tensors hold the same numbers; a few rows of them are in memory at a time."""
    if b not in source.names or source.shape(a) != source.shape(b):
        return False
    blocks = (slice(row, min(row + BLOCK, source.shape(a)[0])) for row in range(0, source.shape(a)[0], BLOCK))
    return all(np.array_equal(source.read(a, rows), source.read(b, rows)) for rows in blocks)


def rope_of(values: Mapping[str, Any], theta: float, context: int) -> Rope:
    """From one record of a config.json; ``theta`` where it has none."""
    kind = first(values, ("rope_type", "type"), "default")
    values.get(ORIGINAL)  # only where the kind needs it
    return Rope(number(values, "rope_theta", default=theta), str(kind), values, context)


def agree(meta: Mapping[str, Any], key: str, at: str, inside: Mapping[str, Any], name: str) -> None:
    """Refuse a ``key`` of the configuration and a ``name`` inside its record ``at``, two spellings, that differ.

    :raises ModelError: naming both
    """
    inner = f"{at}.{name}"
    first({key: meta.get(key), inner: inside.get(name)}, (key, inner))


def rope(meta: Mapping[str, Any], context: int, theta: float = THETA) -> Rope:
    """From config.json: ``rope_scaling`` with ``rope_theta`` (transformers 4) goes before ``rope_parameters`` (5).

    :raises ModelError: both are there, and do not mean the same base; or the base or the original length stands outside
        of them, too, and differs
    """
    scaling, parameters = record(meta, "rope_scaling"), record(meta, "rope_parameters")
    for key in ("rope_theta", ORIGINAL):
        agree(meta, key, "rope_scaling" if scaling else "rope_parameters", scaling or parameters, key)
    original = meta.get(ORIGINAL)
    outer = {} if original is None else {ORIGINAL: original}
    theta = number(meta, "rope_theta", default=theta)
    rope = rope_of(over(outer, scaling or parameters), theta, context)
    if scaling and parameters:
        other = rope_of(parameters, rope.theta, context)
        if (other.theta, other.kind) not in ((rope.theta, rope.kind), (rope.theta, "default")):
            must = "rope_scaling, which goes before it, must have the same base and kind"
            raise ModelError("rope_parameters", must, f"{dict(scaling)} beside {dict(parameters)}", "leave one out")
    return rope
