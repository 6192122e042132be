"""Gemma 3, its text part (Gemma team 2025): norms before and behind each half of a block, windows in most layers.

Gemma's own norms multiply by ``1 + w``; canonical norm weights multiply directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import (
    EMBEDDING,
    GGUF_NAMES,
    gated_mlp,
    rotary_attention,
    rotary_program,
    scale_of,
)
from tabulae.program.architectures._config import Decoder, decoder, windows
from tabulae.program.architectures._fields import first, integer, number, record, refuse
from tabulae.program.architectures._origin import Origin, Source, gguf_name, huggingface_name
from tabulae.program.architectures._rope import Rope, inverse_frequencies, rope_huggingface
from tabulae.program.operations import Add, AnyOperation, Embed, Program, RMSNorm

NAMES = GGUF_NAMES | {
    "model.layers.{}.self_attn.q_norm": "blk.{}.attn_q_norm",
    "model.layers.{}.self_attn.k_norm": "blk.{}.attn_k_norm",
    "model.layers.{}.post_attention_layernorm": "blk.{}.post_attention_norm",
    "model.layers.{}.pre_feedforward_layernorm": "blk.{}.ffn_norm",
    "model.layers.{}.post_feedforward_layernorm": "blk.{}.post_ffw_norm",
}
PATTERN = 6  # every sixth layer sees everything
LOCAL_BASE = 10000.0
DEFAULTS: Mapping[str, Any] = {  # published configurations of the larger models leave these out
    "vocab_size": 262208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "query_pre_attn_scalar": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "sliding_window": 4096,
}


@dataclass(frozen=True)
class Config:
    """Sizes (with the rotation of layers that see everything), windows, the other rotation, and the scale."""

    decoder: Decoder
    windows: tuple[int | None, ...]
    local_inv_freq: tuple[float, ...]  # of layers with a window
    scale: float


def config(source: Source) -> Config:
    """From ``gemma3.*`` keys or config.json, whose text part may stand under ``text_config``."""
    return _from_gguf(source) if source.kind == "gguf" else _from_huggingface(source)


def _from_gguf(source: Source) -> Config:
    meta = source.metadata
    sizes = replace(decoder(source), activation="gelu_tanh")
    window = integer(meta, "gemma3.attention.sliding_window")
    local = Rope(number(meta, "gemma3.rope.freq_base_swa", default=LOCAL_BASE))
    scaled = sizes.hidden // sizes.heads if sizes.layers == 62 else sizes.head  # 27B alone; GGUF has no key for it
    return Config(
        sizes,
        tuple(window if _slides(layer, PATTERN) else None for layer in range(sizes.layers)),
        inverse_frequencies(sizes.head, local),
        scale_of(scaled),
    )


def _from_huggingface(source: Source) -> Config:
    meta = {**DEFAULTS, **(record(source.metadata, "text_config") or source.metadata)}
    refuse(meta, final_logit_softcapping=None, attn_logit_softcapping=None)
    refuse(meta, use_bidirectional_attention=False, attention_bias=False)
    ropes = record(meta, "rope_parameters")
    local = record(ropes, "sliding_attention") or {"rope_theta": first(meta, ("rope_local_base_freq",), LOCAL_BASE)}
    meta["rope_parameters"] = record(ropes, "full_attention") or None
    sizes = decoder(source, meta)
    pattern = integer(meta, "sliding_window_pattern", "_sliding_window_pattern", default=PATTERN)
    return Config(
        sizes,
        windows(meta, sizes.layers, lambda layer: _slides(layer, pattern)),
        inverse_frequencies(sizes.head, rope_huggingface({"rope_theta": LOCAL_BASE, "rope_parameters": local})),
        scale_of(number(meta, "query_pre_attn_scalar")),
    )


def _slides(layer: int, pattern: int) -> bool:
    return (layer + 1) % pattern != 0


def program(config: Config) -> Program:
    """``x += norm(attention(norm x)); x += norm(mlp(norm x))``, on embeddings times sqrt(hidden)."""
    sizes = config.decoder
    body: list[AnyOperation] = [Embed(EMBEDDING, "x", float(np.sqrt(np.float32(sizes.hidden))))]
    for layer, window in enumerate(config.windows):
        at = f"model.layers.{layer}"
        inv_freq = "inv_freq" if window is None else "inv_freq.local"
        body.append(RMSNorm(f"{at}.input_layernorm.weight", "x", "h", sizes.eps))
        body += rotary_attention(
            f"{at}.self_attn", layer, sizes, norms=True, inv_freq=inv_freq, window=window, scale=config.scale
        )
        body += [
            RMSNorm(f"{at}.post_attention_layernorm.weight", "h", "h", sizes.eps),
            Add("x", "h", "x"),
            RMSNorm(f"{at}.pre_feedforward_layernorm.weight", "x", "h", sizes.eps),
            *gated_mlp(f"{at}.mlp", sizes.activation),
            RMSNorm(f"{at}.post_feedforward_layernorm.weight", "h", "h", sizes.eps),
            Add("x", "h", "x"),
        ]
    return rotary_program(body, sizes, {"inv_freq": sizes.inv_freq, "inv_freq.local": config.local_inv_freq})


def origin(source: Source, config: Config, name: str) -> Origin:
    """Norms get their 1, which GGUF's converters have added already."""
    if source.kind == "gguf":
        return Origin(gguf_name(NAMES, name))
    others = ("language_model.model.", "model.language_model.", "")
    return Origin(huggingface_name(source, name, "model.", others), plus=1.0 if name.endswith("norm.weight") else 0.0)


ARCHITECTURE = Architecture(
    model_types=("gemma3_text", "gemma3"),
    config=config,
    program=program,
    origin=origin,
    ignored=("*vision_tower.*", "*multi_modal_projector.*", "*.rotary_emb.inv_freq", "*lm_head.weight"),
)
