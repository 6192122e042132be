"""The configuration that llama and its relatives share, read from either kind of source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tabulae.arithmetic.activation_functions import Activation
from tabulae.errors import ModelError
from tabulae.program.architectures._fields import LAYERS, activation, flag, gguf_vocabulary, integer, number, tied
from tabulae.program.architectures._origin import Source, huggingface_name
from tabulae.program.architectures._rope import Frequencies, Rope, frequencies, rope_gguf, rope_huggingface

EMBEDDING = "model.embed_tokens.weight"
KINDS = ("full_attention", "sliding_attention")


@dataclass(frozen=True)
class Sizes:
    """A decoder with rotary positions and gated linears: llama and its relatives."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head: int  # columns per head
    vocabulary: int
    context: int
    eps: float
    turn: Frequencies
    activation: Activation
    tied: bool  # the head is the embedding


def decoder(source: Source, head: int | None = None) -> Sizes:
    """The common fields, by the key names that llama and its relatives share in each kind of source.

    ``head``: columns per head where config.json is silent, if they do not follow from the width.
    """
    if source.kind == "gguf":
        return _from_gguf(source)
    meta, name = source.metadata, huggingface_name(source, EMBEDDING, "model.")
    rope = rope_huggingface(meta, integer(meta, "max_position_embeddings"))
    return from_huggingface(meta, rope, tied(source, meta, name, default=False), head)


def windows(meta: Mapping[str, Any], layers: int, sliding: Callable[[int], bool]) -> tuple[int | None, ...]:
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


def late_windows(meta: Mapping[str, Any], layers: int) -> tuple[int | None, ...]:
    """The windows of Qwen 2 and 3: none, or in layers from ``max_window_layers`` on."""
    first, window = integer(meta, "max_window_layers", default=28, least=0), meta.get("sliding_window", 4096)
    window = window if flag(meta, "use_sliding_window") else None
    kinds = {"layer_types": meta.get("layer_types"), "sliding_window": window}
    return windows(kinds, layers, lambda layer: window is not None and layer >= first)


def from_huggingface(meta: Mapping[str, Any], rope: Rope, tied: bool, head: int | None = None) -> Sizes:
    """The common fields of a config.json, or of a record in it."""
    hidden, heads = integer(meta, "hidden_size"), integer(meta, "num_attention_heads")
    head = integer(meta, "head_dim", default=head or max(hidden // heads, 1))
    return Sizes(
        layers=integer(meta, "num_hidden_layers", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "intermediate_size"),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, "num_key_value_heads", default=heads)),
        head=head,
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "max_position_embeddings"),
        eps=number(meta, "rms_norm_eps"),
        turn=frequencies(head, rope),
        activation=activation(meta, "hidden_act", "hidden_activation"),
        tied=tied,
    )


def _from_gguf(source: Source) -> Sizes:
    meta, arch = source.metadata, source.metadata["general.architecture"]
    hidden, heads = integer(meta, f"{arch}.embedding_length"), integer(meta, f"{arch}.attention.head_count")
    head = integer(meta, f"{arch}.attention.key_length", default=max(hidden // heads, 1))
    if integer(meta, f"{arch}.attention.value_length", default=head) != head:
        raise ModelError(f"{arch}.attention.value_length", f"it must be that of keys, {head}", "another")
    rotary = integer(meta, f"{arch}.rope.dimension_count", default=head)
    context = integer(meta, f"{arch}.context_length")
    return Sizes(
        layers=integer(meta, f"{arch}.block_count", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, f"{arch}.feed_forward_length"),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, f"{arch}.attention.head_count_kv", default=heads)),
        head=head,
        vocabulary=gguf_vocabulary(source),
        context=context,
        eps=number(meta, f"{arch}.attention.layer_norm_rms_epsilon"),
        turn=frequencies(rotary, rope_gguf(source, context)),
        activation="silu",
        tied="output.weight" not in source.names,
    )


def kv_heads(heads: int, kv_heads: int) -> int:
    """The number of key and value heads, each shared by equally many query heads."""
    if heads % kv_heads:
        raise ModelError(
            "config", "the number of heads must be a multiple of that of key-value heads", (heads, kv_heads)
        )
    return kv_heads
