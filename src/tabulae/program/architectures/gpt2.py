"""GPT-2 (Radford et al. 2019): layer norms, learned positions, GELU.

Its q, k and v are one fused linear, here three: ``c_attn.q``, ``c_attn.k`` and ``c_attn.v``.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, residual, self_attention
from tabulae.program.architectures._config import Biases, Sizes, plain_sizes
from tabulae.program.architectures._fields import LAYERS, activation, flag, integer, number
from tabulae.program.architectures._fused import parts, qkv_lengths
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.embed_position import EmbedPosition

EMBEDDING = "transformer.wte.weight"
FUSED = "transformer.h.{}.attn.c_attn"
PARTS = tuple(f"{FUSED}.{part}" for part in "qkv")
ATTENTION = (*(f"c_attn.{part}" for part in "qkv"), "c_proj")
GGUF: Patterns = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.h.{}.ln_1": "blk.{}.attn_norm",
    **parts(PARTS, "blk.{}.attn_qkv", qkv_lengths),
    "transformer.h.{}.attn.c_proj": "blk.{}.attn_output",
    "transformer.h.{}.ln_2": "blk.{}.ffn_norm",
    "transformer.h.{}.mlp.c_fc": "blk.{}.ffn_up",
    "transformer.h.{}.mlp.c_proj": "blk.{}.ffn_down",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
}
LINEARS = ("transformer.h.{}.attn.c_proj", "transformer.h.{}.mlp.c_fc", "transformer.h.{}.mlp.c_proj")
HUGGINGFACE = Names(
    {  # linears but the head are kept as [inputs, outputs]
        **parts(PARTS, FUSED, qkv_lengths, transposed=True),
        **{name: Stored(name, transposed=True) for name in LINEARS},
    },
    {"transformer.": ("",)},
)
MASKS = ("*h.*.attn.bias", "*h.*.attn.masked_bias")  # that old checkpoints stored
HARMLESS = {
    "n_positions counts": "n_ctx",
    "of a head that sums up": "summary_*",
    "the same product, in float32 as here": "reorder_and_upcast_attn",
}


@dataclass(frozen=True)
class Config:
    """Sizes, and by what scores are divided."""

    decoder: Sizes
    scaled: bool = True  # scores are divided by the root of a head's width ...
    by_layer: bool = False  # ... and by the number of the layer, from 1


def _from_gguf(source: Source) -> Config:
    return Config(_gguf.plain_decoder(source, "gelu_tanh", Biases.all()))


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    hidden = integer(meta, "n_embd")
    sizes = plain_sizes(
        layers=integer(meta, "n_layer", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "n_inner", default=4 * hidden),
        heads=integer(meta, "n_head"),
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "n_positions"),
        eps=number(meta, "layer_norm_epsilon"),
        activation=activation(meta, "activation_function", default="gelu_new"),
        tied=_huggingface.is_tied(source, HUGGINGFACE, meta, True, EMBEDDING),
        bias=Biases.all(),
    )
    return Config(sizes, flag(meta, "scale_attn_weights", default=True), flag(meta, "scale_attn_by_inverse_layer_idx"))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes = config.decoder
    return program_of(
        sizes,
        lambda layer: _block(layer, config),
        embedding=EMBEDDING,
        behind=(EmbedPosition("transformer.wpe.weight", "x"),),
        norm=layer_norm("transformer.ln_f", "last", "last", sizes.eps),
        values={"g": sizes.intermediate},
    )


def _block(layer: int, config: Config) -> list[Operation]:
    at, sizes = f"transformer.h.{layer}", config.decoder
    first, second = (layer_norm(f"{at}.{name}", "x", "h", sizes.eps) for name in ("ln_1", "ln_2"))
    linears, scale = tuple(f"{at}.attn.{name}" for name in ATTENTION), _scale(config, layer)
    attention = self_attention(at, layer, sizes, linears=linears, scale=scale)
    mlp = plain_mlp(f"{at}.mlp.c_fc", f"{at}.mlp.c_proj", sizes, hidden=("m", "g"))
    return [*residual(first, *attention), *residual(second, *mlp)]


def _scale(config: Config, layer: int) -> float:
    scale = 1 / sqrt(config.decoder.head) if config.scaled else 1.0
    return float(np.float32(scale / (layer + 1) if config.by_layer else scale))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gpt2", _from_gguf, GGUF),
        _huggingface.huggingface(("gpt2",), _from_huggingface, HUGGINGFACE, ignored=MASKS, harmless=HARMLESS),
    ),
)
