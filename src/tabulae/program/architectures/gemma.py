"""Gemma (Gemma team 2024): llama with GELU, wide heads, embeddings times the root of their width.

Its norms multiply by ``1 + w``; canonical norm weights multiply directly.
"""

import numpy as np

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import first, integer, over
from tabulae.program.architectures._names import Names, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder

NORMS = ("model.norm", *(f"model.layers.{{}}.{at}_layernorm" for at in ("input", "post_attention")))
HUGGINGFACE = Names({norm: Stored(norm, plus=1.0) for norm in NORMS}, {"model.": ("",)})  # added already in GGUF
NEUTRAL = {"attention_bias": (False,), "use_bidirectional_attention": (False,)}


def _from_gguf(source: Source) -> Sizes:
    return _gguf.decoder(source, "gelu_tanh")


def _from_huggingface(source: Source) -> Sizes:
    """The first configurations say ``gelu`` and mean its approximation."""
    meta = source.metadata
    said = first(meta, ("hidden_act",), "gelu_pytorch_tanh")
    meta = over({"hidden_act": "gelu_pytorch_tanh" if said == "gelu" else said}, meta)
    turns = _huggingface.rope(meta, integer(meta, "max_position_embeddings"))
    return _huggingface.sizes(meta, turns, _huggingface.is_tied(source, HUGGINGFACE, meta, default=True), head=256)


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes), times=float(np.sqrt(np.float32(sizes.hidden))))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gemma", _from_gguf, _gguf.LLAMA),
        _huggingface.huggingface(("gemma",), _from_huggingface, HUGGINGFACE, neutral=NEUTRAL),
    ),
)
