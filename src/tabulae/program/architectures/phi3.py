"""Phi-3, 3.5 and Phi-4 mini (Abdin et al. 2024): llama whose q, k and v, and gate and up, are one linear each.

Longer contexts have two lists of divisors of the rotary frequencies; Phi-4 mini turns three quarters of a head.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tabulae.errors import ModelError
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import integer
from tabulae.program.architectures._fused import parts, qkv_lengths
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.architectures._rope import Rope
from tabulae.program.graph import Decoder

LAYER = "model.layers.{}"
QKV = tuple(f"{LAYER}.self_attn.{part}_proj" for part in "qkv")
GATE_UP = tuple(f"{LAYER}.mlp.{part}_proj" for part in ("gate", "up"))
FACTORS = {"short_factor": "rope_factors_short.weight", "long_factor": "rope_factors_long.weight"}  # GGUF


def _halves(sizes: Sizes) -> list[int]:
    return [sizes.intermediate] * 2


GGUF: Patterns = {
    **_gguf.LLAMA,
    **parts(QKV, "blk.{}.attn_qkv", qkv_lengths),
    **parts(GATE_UP, "blk.{}.ffn_up", _halves),
}
HUGGINGFACE = Names(
    {
        **parts(QKV, f"{LAYER}.self_attn.qkv_proj", qkv_lengths),
        **parts(GATE_UP, f"{LAYER}.mlp.gate_up_proj", _halves),
    },
    {"model.": ("",)},
)


def _from_gguf(source: Source) -> Sizes:
    """A window of 0 is none."""
    meta = source.metadata
    turns = _gguf.rope(source, integer(meta, "phi3.context_length"))
    if FACTORS["long_factor"] in source.names:
        turns = _long(source, turns)
    window = integer(meta, "phi3.attention.sliding_window", default=0, least=0)
    sizes = _gguf.decoder(source, turns=turns)
    return replace(sizes, windows=(window or None,) * sizes.layers)


def _long(source: Source, turns: Rope) -> Rope:
    """What converters say as ``attn_factor`` is the factor that longrope has anyway."""
    values = {key: source.read(name).tolist() for key, name in FACTORS.items() if name in source.names}
    factor = None if turns.scale == 1 else turns.scale
    more = {**(turns.values or {}), **values, "attention_factor": factor, "factor": None}
    return replace(turns, kind="longrope", values=more, scale=1.0)


def _from_huggingface(source: Source) -> Sizes:
    meta = source.metadata
    turns = _rope(meta)
    tied = _huggingface.is_tied(source, HUGGINGFACE, meta, default=False)
    sizes = _huggingface.sizes(meta, turns, tied, rotary=1.0)
    return replace(sizes, windows=_huggingface.one_window(meta, sizes.layers))


def _rope(meta: Mapping[str, Any]) -> Rope:
    """The kind has had three names."""
    turns = _huggingface.rope(meta, integer(meta, "max_position_embeddings"))
    kind = {"su": "longrope", "yarn": "longrope"}.get(turns.kind, turns.kind)
    if kind not in ("default", "longrope"):
        raise ModelError("rope scaling", "the kind must be one that Phi-3 has", kind, "accepted: default, longrope")
    return replace(turns, kind=kind)


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("phi3", _from_gguf, GGUF, ignored=tuple(FACTORS.values())),
        _huggingface.huggingface(
            ("phi3",),
            _from_huggingface,
            HUGGINGFACE,
            neutral={
                "attention_bias": (False,),
                "full_attn_mod": (1,),
                "interpolate_factor": (1,),
                "lm_head_bias": (False,),
                "mlp_bias": (False,),
            },
        ),
    ),
)
