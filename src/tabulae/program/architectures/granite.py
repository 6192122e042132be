"""Granite 3 (IBM 2024): llama with four multipliers.

That of the embedding and that of the scores are the program's; halves of a block are added times a number, and logits
are divided by one: the last linear of each half, and the last norm, are multiplied instead.
"""

from dataclasses import dataclass, replace

import numpy as np

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import flag, number
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder

OUT, DOWN, NORM = "model.layers.{}.self_attn.o_proj", "model.layers.{}.mlp.down_proj", "model.norm"


def _scaled(out: str, down: str, norm: str) -> dict[str, Stored]:
    return {
        OUT: Stored(out, times=lambda config: config.residual),
        DOWN: Stored(down, times=lambda config: config.residual),
        NORM: Stored(norm, times=lambda config: 1 / config.divisor),
    }


GGUF: Patterns = {**_gguf.INTERLEAVED, **_scaled("blk.{}.attn_output", "blk.{}.ffn_down", "output_norm")}
HUGGINGFACE = Names(_scaled(OUT, DOWN, NORM), {"model.": ("",)})


@dataclass(frozen=True)
class Config:
    """Sizes and multipliers."""

    decoder: Sizes
    embedding: float
    scale: float  # of scores
    residual: float
    divisor: float  # of logits


def _from_gguf(source: Source) -> Config:
    """GGUF does not say which biases there are, its tensors do."""
    meta, attention = source.metadata, "blk.0.attn_q.bias" in source.names
    return Config(
        replace(_gguf.decoder(source), bias=Biases.of(attention, "blk.0.ffn_up.bias" in source.names)),
        _float32(number(meta, "granite.embedding_scale", default=1.0)),
        _float32(number(meta, "granite.attention.scale", default=1.0)),
        number(meta, "granite.residual_scale", default=1.0),
        number(meta, "granite.logit_scale", default=1.0),
    )


def _from_huggingface(source: Source) -> Config:
    meta, attention = source.metadata, flag(source.metadata, "attention_bias")
    return Config(
        replace(_huggingface.decoder(source, HUGGINGFACE), bias=Biases.of(attention, flag(meta, "mlp_bias"))),
        _float32(number(meta, "embedding_multiplier", default=1.0)),
        _float32(number(meta, "attention_multiplier", default=1.0)),
        number(meta, "residual_multiplier", default=1.0),
        number(meta, "logits_scaling", default=1.0),
    )


def _float32(value: float) -> float:
    return float(np.float32(value))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``, with the multipliers in the weights."""
    sizes = config.decoder
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes, scale=config.scale), times=config.embedding)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("granite", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("granite",), _from_huggingface, HUGGINGFACE),
    ),
)
