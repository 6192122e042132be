"""Gemma 2 (Gemma team 2024): norms before and behind each half of a block, windows in every other layer.

Scores and logits are capped. Its norms multiply by ``1 + w``; canonical norm weights multiply directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import sandwich_norm_block, scale_of
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import integer, number
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

GGUF: Patterns = {
    **_gguf.LLAMA,
    "model.layers.{}.post_attention_layernorm": "blk.{}.post_attention_norm",
    "model.layers.{}.pre_feedforward_layernorm": "blk.{}.ffn_norm",
    "model.layers.{}.post_feedforward_layernorm": "blk.{}.post_ffw_norm",
}
PLACES = ("input", "post_attention", "pre_feedforward", "post_feedforward")
NORMS = ("model.norm", *(f"model.layers.{{}}.{place}_layernorm" for place in PLACES))
HUGGINGFACE = Names({norm: Stored(norm, plus=1.0) for norm in NORMS}, {"model.": ("",)})  # added already in GGUF
WINDOW = 4096  # of the class, where config.json is silent, as are the caps
CAPS = (("attn_logit_softcapping", 50.0), ("final_logit_softcapping", 30.0))
LAYERS_27B = 46
NEUTRAL = {"attention_bias": (False,), "use_bidirectional_attention": (False,)}


@dataclass(frozen=True)
class Config:
    """Sizes, the scale of scores, their cap and that of logits."""

    decoder: Sizes
    scale: float
    score_cap: float | None
    cap: float | None


def _from_gguf(source: Source) -> Config:
    meta, sizes = source.metadata, _gguf.decoder(source, "gelu_tanh")
    window = integer(meta, "gemma2.attention.sliding_window", default=WINDOW)
    scaled = sizes.hidden // sizes.heads if sizes.layers == LAYERS_27B else sizes.head  # GGUF has no key for it
    windows = tuple(window if _slides(layer) else None for layer in range(sizes.layers))
    caps = (_cap(meta, f"gemma2.{key}", default) for key, default in CAPS)
    return Config(replace(sizes, windows=windows), scale_of(scaled), *caps)


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    sizes = _huggingface.decoder(source, HUGGINGFACE, tied=True, head=256)
    kinds = {"layer_types": meta.get("layer_types"), "sliding_window": meta.get("sliding_window", WINDOW)}
    windows = _huggingface.windows(kinds, sizes.layers, _slides)
    scale = scale_of(number(meta, "query_pre_attn_scalar", default=256))
    return Config(replace(sizes, windows=windows), scale, *(_cap(meta, key, default) for key, default in CAPS))


def _slides(layer: int) -> bool:
    return layer % 2 == 0


def _cap(meta: Mapping[str, Any], key: str, default: float) -> float | None:
    """Silence means the cap of the class; null or 0 means none."""
    found = meta.get(key, default)
    return number({key: found}, key) if found else None


def program(config: Config) -> Decoder:
    """``x += norm(attention(norm x)); x += norm(mlp(norm x))``, on embeddings times sqrt(hidden)."""
    sizes = config.decoder

    def block(layer: int) -> list[Operation]:
        return sandwich_norm_block(layer, sizes, scale=config.scale, cap=config.score_cap)

    return program_of(sizes, block, times=float(np.sqrt(np.float32(sizes.hidden))), cap=config.cap)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gemma2", _from_gguf, GGUF),
        _huggingface.huggingface(("gemma2",), _from_huggingface, HUGGINGFACE, neutral=NEUTRAL),
    ),
)
