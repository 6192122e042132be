"""Granite 3 (IBM 2024): llama with four multipliers.

That of the embedding and that of the scores are the program's; halves of a block are added times a number, and logits
are divided by one: the last linear of each half, and the last norm, are multiplied instead.
"""

from dataclasses import dataclass

import numpy as np

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import Turns, pre_norm_block
from tabulae.program.architectures._config import Sizes
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
    """Sizes, biases, multipliers."""

    decoder: Sizes
    attention_bias: bool
    mlp_bias: bool
    embedding: float
    scale: float  # of scores
    residual: float
    divisor: float  # of logits


def _from_gguf(source: Source) -> Config:
    """GGUF does not say which biases there are, its tensors do."""
    meta = source.metadata
    return Config(
        _gguf.decoder(source),
        "blk.0.attn_q.bias" in source.names,
        "blk.0.ffn_up.bias" in source.names,
        _float32(number(meta, "granite.embedding_scale", default=1.0)),
        _float32(number(meta, "granite.attention.scale", default=1.0)),
        number(meta, "granite.residual_scale", default=1.0),
        number(meta, "granite.logit_scale", default=1.0),
    )


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    return Config(
        _huggingface.decoder(source, HUGGINGFACE),
        flag(meta, "attention_bias"),
        flag(meta, "mlp_bias"),
        _float32(number(meta, "embedding_multiplier", default=1.0)),
        _float32(number(meta, "attention_multiplier", default=1.0)),
        number(meta, "residual_multiplier", default=1.0),
        number(meta, "logits_scaling", default=1.0),
    )


def _float32(value: float) -> float:
    return float(np.float32(value))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``, with the multipliers in the weights."""
    sizes, bias = config.decoder, config.attention_bias
    same: Turns = {"bias": bias, "scale": config.scale}
    return program_of(
        sizes, lambda layer: pre_norm_block(layer, sizes, config.mlp_bias, **same), times=config.embedding
    )


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("granite", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("granite",), _from_huggingface, HUGGINGFACE),
    ),
)
