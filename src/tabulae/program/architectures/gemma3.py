"""Gemma 3, its text part (Gemma team 2025): norms before and behind each half of a block, windows in most layers.

Gemma's own norms multiply by ``1 + w``; canonical norm weights multiply directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabulae.errors import ModelError
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import (
    GGUF_NAMES,
    HEAD,
    INV_FREQ,
    gated_mlp,
    rotary_attention,
    rotary_program,
    scale_of,
)
from tabulae.program.architectures._config import EMBEDDING, Decoder, decoder, from_huggingface, windows
from tabulae.program.architectures._fields import integer, number, over, record, tied
from tabulae.program.architectures._origin import Origin, Source, gguf_name, huggingface_name
from tabulae.program.architectures._rope import Frequencies, Rope, agree, frequencies, rope_of
from tabulae.program.operations import Add, AnyOperation, Embed, Program, RMSNorm

NAMES = GGUF_NAMES | {
    "model.layers.{}.self_attn.q_norm": "blk.{}.attn_q_norm",
    "model.layers.{}.self_attn.k_norm": "blk.{}.attn_k_norm",
    "model.layers.{}.post_attention_layernorm": "blk.{}.post_attention_norm",
    "model.layers.{}.pre_feedforward_layernorm": "blk.{}.ffn_norm",
    "model.layers.{}.post_feedforward_layernorm": "blk.{}.post_ffw_norm",
}
PATTERN = 6  # every sixth layer sees everything
BASE, LOCAL_BASE = 1000000.0, 10000.0
PREFIXES = ("language_model.model.", "model.language_model.", "")
GGUF_PATTERN = "gemma3.attention.sliding_window_pattern"
LOCAL = "inv_freq.local"
DEFAULTS: Mapping[str, Any] = {  # published configurations of the larger models leave these out
    "vocab_size": 262208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "query_pre_attn_scalar": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
}


@dataclass(frozen=True)
class Config:
    """Sizes (with the rotation of layers that see everything), windows, the other rotation, and the scale."""

    decoder: Decoder
    windows: tuple[int | None, ...]
    local: Frequencies  # of layers with a window
    scale: float
    cap: float | None  # of the logits


def read(source: Source) -> Config:
    """From ``gemma3.*`` keys or config.json, whose text part may stand under ``text_config``."""
    return _from_gguf(source) if source.kind == "gguf" else _from_huggingface(source)


def _from_gguf(source: Source) -> Config:
    meta = source.metadata
    sizes = replace(decoder(source), activation="gelu_tanh")
    local = Rope(number(meta, "gemma3.rope.freq_base_swa", default=LOCAL_BASE))
    scaled = sizes.hidden // sizes.heads if sizes.layers == 62 else sizes.head  # 27B alone; GGUF has no key for it
    return Config(
        sizes,
        _gguf_windows(meta, sizes.layers),
        frequencies(2 * len(sizes.turn.inv_freq), local),
        scale_of(scaled),
        _cap(meta, "gemma3.final_logit_softcapping"),
    )


def _gguf_windows(meta: Mapping[str, Any], layers: int) -> tuple[int | None, ...]:
    """The pattern is a number (every n-th layer sees everything) or says of every layer whether it has a window."""
    window, pattern = integer(meta, "gemma3.attention.sliding_window"), meta.get(GGUF_PATTERN, PATTERN)
    if not isinstance(pattern, list):
        every = integer({GGUF_PATTERN: pattern}, GGUF_PATTERN)
        pattern = [_slides(layer, every) for layer in range(layers)]
    if len(pattern) != layers:
        raise ModelError(GGUF_PATTERN, f"there must be one for each of {layers} layers", len(pattern))
    return tuple(window if slides else None for slides in pattern)


def _cap(meta: Mapping[str, Any], key: str) -> float | None:
    return number(meta, key) if meta.get(key) else None  # llama.cpp, too, takes 0 for none


def _from_huggingface(source: Source) -> Config:
    text = record(source.metadata, "text_config") or source.metadata
    meta: Mapping[str, Any] = over(text, DEFAULTS)
    context, ropes = integer(meta, "max_position_embeddings"), record(meta, "rope_parameters")
    everywhere, nearby = record(ropes, "full_attention"), record(ropes, "sliding_attention")
    agree(meta, "rope_theta", "rope_parameters.full_attention", everywhere, "rope_theta")
    agree(meta, "rope_local_base_freq", "rope_parameters.sliding_attention", nearby, "rope_theta")
    rope = rope_of(over(record(meta, "rope_scaling"), everywhere), number(meta, "rope_theta", default=BASE), context)
    base = number(meta, "rope_local_base_freq", default=LOCAL_BASE)
    local = rope_of(nearby, base, context)
    sizes = from_huggingface(
        meta, rope, tied(source, over(source.metadata, text), _huggingface(source, EMBEDDING), default=True)
    )
    pattern = integer(meta, "sliding_window_pattern", default=PATTERN)
    return Config(
        sizes,
        windows(meta, sizes.layers, lambda layer: _slides(layer, pattern)),
        frequencies(sizes.head, local),
        scale_of(number(meta, "query_pre_attn_scalar")),
        _cap(meta, "final_logit_softcapping"),
    )


def _slides(layer: int, pattern: int) -> bool:
    return (layer + 1) % pattern != 0


def program(config: Config) -> Program:
    """``x += norm(attention(norm x)); x += norm(mlp(norm x))``, on embeddings times sqrt(hidden)."""
    sizes = config.decoder
    body: list[AnyOperation] = [Embed(EMBEDDING, "x", float(np.sqrt(np.float32(sizes.hidden))))]
    for layer, window in enumerate(config.windows):
        at = f"model.layers.{layer}"
        turn, inv_freq = (sizes.turn, INV_FREQ) if window is None else (config.local, LOCAL)
        body.append(RMSNorm(f"{at}.input_layernorm.weight", "x", "h", sizes.eps))
        body += rotary_attention(
            f"{at}.self_attn", layer, sizes, norms=True, turn=turn, inv_freq=inv_freq, window=window, scale=config.scale
        )
        body += [
            RMSNorm(f"{at}.post_attention_layernorm.weight", "h", "h", sizes.eps),
            Add("x", "h", "x"),
            RMSNorm(f"{at}.pre_feedforward_layernorm.weight", "x", "h", sizes.eps),
            *gated_mlp(f"{at}.mlp", sizes.activation),
            RMSNorm(f"{at}.post_feedforward_layernorm.weight", "h", "h", sizes.eps),
            Add("x", "h", "x"),
        ]
    constants = sizes.turn.constants(INV_FREQ) | config.local.constants(LOCAL)
    return rotary_program(body, sizes, constants, config.cap)


def origin(source: Source, config: Config, name: str) -> Origin:
    """Norms get their 1, which GGUF's converters have added already."""
    if source.kind == "gguf":
        return Origin(gguf_name(NAMES, name))
    return Origin(_huggingface(source, name), plus=1.0 if name.endswith("norm.weight") else 0.0)


def _huggingface(source: Source, name: str) -> str:
    if name == HEAD:
        return huggingface_name(source, name, "", ("language_model.",))
    return huggingface_name(source, name, "model.", PREFIXES)


ARCHITECTURE = Architecture(
    model_types=("gemma3_text", "gemma3"),
    read=read,
    program=program,
    origin=origin,
    ignored=("*vision_tower.*", "*multi_modal_projector.*", "*.rotary_emb.inv_freq", "*lm_head.weight"),
    harmless={
        "what is not text": "vision_config mm_tokens_per_image",
        "layer_types says it, and transformers does not read it": "_sliding_window_pattern",
    },
    neutral={
        "attention_bias": (False,),
        "tie_word_embeddings": (True,),  # of the text part, beside that of the whole
        "attn_logit_softcapping": (
            None,
        ),  # transformers and llama.cpp read it and apply it not: whoever set it meant it
        "use_bidirectional_attention": (False,),
    },
)
