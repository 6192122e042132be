"""The configuration that llama and its relatives share, read from either kind of source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tabulae.errors import ModelError
from tabulae.program.architectures._fields import LAYERS, activation, gguf_vocabulary, integer, number, tied
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._rope import inverse_frequencies, rope_gguf, rope_huggingface
from tabulae.program.operations import Activation


@dataclass(frozen=True)
class Decoder:
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
    inv_freq: tuple[float, ...]
    activation: Activation
    tied: bool  # the head is the embedding


def decoder(source: Source, meta: Mapping[str, Any] | None = None) -> Decoder:
    """The common fields, by the key names that llama and its relatives share in each kind of source.

    ``meta`` stands for a Hugging Face model's own metadata, where that is nested or needs defaults.
    """
    return _from_gguf(source) if source.kind == "gguf" else _from_huggingface(source, meta or source.metadata)


def windows(meta: Mapping[str, Any], layers: int, sliding: Callable[[int], bool]) -> tuple[int | None, ...]:
    """The attention window of every layer: by ``layer_types`` of a config.json, else where ``sliding(layer)``."""
    types = meta.get("layer_types")
    if types is not None and (not isinstance(types, list) or len(types) != layers):
        raise ModelError("layer_types", f"there must be a list of one for each of {layers} layers", repr(types))
    slides = [t == "sliding_attention" for t in types] if types else [sliding(layer) for layer in range(layers)]
    return tuple(integer(meta, "sliding_window") if slide else None for slide in slides)


def _from_huggingface(source: Source, meta: Mapping[str, Any]) -> Decoder:
    hidden, heads = integer(meta, "hidden_size"), integer(meta, "num_attention_heads")
    head = integer(meta, "head_dim", default=max(hidden // heads, 1))
    return Decoder(
        layers=integer(meta, "num_hidden_layers", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "intermediate_size"),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, "num_key_value_heads", default=heads)),
        head=head,
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "max_position_embeddings"),
        eps=number(meta, "rms_norm_eps"),
        inv_freq=inverse_frequencies(head, rope_huggingface(meta)),
        activation=activation(meta, "hidden_act", "hidden_activation"),
        tied=tied(source, "lm_head.weight"),
    )


def _from_gguf(source: Source) -> Decoder:
    meta, arch = source.metadata, source.metadata["general.architecture"]
    hidden, heads = integer(meta, f"{arch}.embedding_length"), integer(meta, f"{arch}.attention.head_count")
    head = integer(meta, f"{arch}.attention.key_length", default=max(hidden // heads, 1))
    rotary = integer(meta, f"{arch}.rope.dimension_count", default=head)
    return Decoder(
        layers=integer(meta, f"{arch}.block_count", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, f"{arch}.feed_forward_length"),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, f"{arch}.attention.head_count_kv", default=heads)),
        head=head,
        vocabulary=gguf_vocabulary(source),
        context=integer(meta, f"{arch}.context_length"),
        eps=number(meta, f"{arch}.attention.layer_norm_rms_epsilon"),
        inv_freq=inverse_frequencies(rotary, rope_gguf(source)),
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
