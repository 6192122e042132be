"""Gemma 3, its text part (Gemma team 2025): norms before and behind each half of a block, windows in most layers.

Gemma's own norms multiply by ``1 + w``; canonical norm weights multiply directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabulae.errors import ModelError
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import INV_FREQ, sandwich_norm_block, scale_of
from tabulae.program.architectures._config import Biases, Sizes, Windows
from tabulae.program.architectures._fields import flag, integer, number, over, record
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.architectures._rope import Frequencies, Rope, frequencies
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

GGUF: Patterns = {
    **_gguf.NORMED,
    "model.layers.{}.post_attention_layernorm": "blk.{}.post_attention_norm",
    "model.layers.{}.pre_feedforward_layernorm": "blk.{}.ffn_norm",
    "model.layers.{}.post_feedforward_layernorm": "blk.{}.post_ffw_norm",
}
NORMS = (
    "model.norm",
    *(f"model.layers.{{}}.self_attn.{part}_norm" for part in "qk"),
    *(f"model.layers.{{}}.{at}_layernorm" for at in ("input", "post_attention", "pre_feedforward", "post_feedforward")),
)
HUGGINGFACE = Names(
    {norm: Stored(norm, plus=1.0) for norm in NORMS},  # which GGUF's converters have added already
    {"model.": ("language_model.model.", "model.language_model.", ""), "lm_head.": ("language_model.lm_head.",)},
)
PATTERN = 6  # every sixth layer sees everything
BASE, LOCAL_BASE = 1000000.0, 10000.0
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
    """Sizes (with the rotation of layers that see everything), the other rotation, and the scale."""

    decoder: Sizes
    local: Frequencies  # of layers with a window
    scale: float
    cap: float | None  # of the logits


def _from_gguf(source: Source) -> Config:
    meta, sizes = source.metadata, _gguf.decoder(source, "gelu_tanh")
    local = Rope(number(meta, "gemma3.rope.freq_base_swa", default=LOCAL_BASE))
    scaled = sizes.hidden // sizes.heads if sizes.layers == 62 else sizes.head  # 27B alone; GGUF has no key for it
    return Config(
        replace(sizes, windows=_gguf_windows(meta, sizes.layers)),
        frequencies(2 * len(sizes.turn.inv_freq), local),
        scale_of(scaled),
        _cap(meta, "gemma3.final_logit_softcapping"),
    )


def _gguf_windows(meta: Mapping[str, Any], layers: int) -> Windows:
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
    """The text part may stand under ``text_config``."""
    text = record(source.metadata, "text_config") or source.metadata
    meta: Mapping[str, Any] = over(text, DEFAULTS)
    context, ropes = integer(meta, "max_position_embeddings"), record(meta, "rope_parameters")
    everywhere, nearby = record(ropes, "full_attention"), record(ropes, "sliding_attention")
    _huggingface.agree(meta, "rope_theta", "rope_parameters.full_attention", everywhere, "rope_theta")
    _huggingface.agree(meta, "rope_local_base_freq", "rope_parameters.sliding_attention", nearby, "rope_theta")
    full = over(record(meta, "rope_scaling"), everywhere)
    rope = _huggingface.rope_of(full, number(meta, "rope_theta", default=BASE), context)
    base = number(meta, "rope_local_base_freq", default=LOCAL_BASE)
    local = _huggingface.rope_of(nearby, base, context)
    tied = _huggingface.is_tied(source, HUGGINGFACE, over(source.metadata, text), default=True)
    sizes = _huggingface.sizes(meta, rope, tied)
    pattern = integer(meta, "sliding_window_pattern", default=PATTERN)
    bias = Biases.of(flag(meta, "attention_bias"))
    windows = _huggingface.windows(meta, sizes.layers, lambda layer: _slides(layer, pattern))
    return Config(
        replace(sizes, bias=bias, windows=windows),
        frequencies(sizes.head, local),
        scale_of(number(meta, "query_pre_attn_scalar")),
        _cap(meta, "final_logit_softcapping"),
    )


def _slides(layer: int, pattern: int) -> bool:
    return (layer + 1) % pattern != 0


def program(config: Config) -> Decoder:
    """``x += norm(attention(norm x)); x += norm(mlp(norm x))``, on embeddings times sqrt(hidden)."""
    sizes = config.decoder

    def block(layer: int) -> list[Operation]:
        turn, inv_freq = (sizes.turn, INV_FREQ) if sizes.windows[layer] is None else (config.local, LOCAL)
        return sandwich_norm_block(layer, sizes, norms=True, turn=turn, inv_freq=inv_freq, scale=config.scale)

    times, constants = float(np.sqrt(np.float32(sizes.hidden))), config.local.constants(LOCAL)
    return program_of(sizes, block, times=times, constants=constants, cap=config.cap)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf(
            "gemma3",
            _from_gguf,
            GGUF,
        ),
        _huggingface.huggingface(
            ("gemma3_text", "gemma3"),
            _from_huggingface,
            HUGGINGFACE,
            ignored=("*vision_tower.*", "*multi_modal_projector.*", "*lm_head.weight"),
            harmless={
                "what is not text": "vision_config mm_tokens_per_image",
                "layer_types says it, and transformers does not read it": "_sliding_window_pattern",
            },
            neutral={
                "tie_word_embeddings": (True,),  # of the text part, beside that of the whole
                # transformers and llama.cpp read it and apply it not: whoever set it meant it
                "attn_logit_softcapping": (None,),
                "use_bidirectional_attention": (False,),
            },
        ),
    ),
)
