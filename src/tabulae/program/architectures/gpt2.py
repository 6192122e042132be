"""GPT-2 (Radford et al. 2019): layer norms, learned positions, GELU.

Its q, k and v are one fused linear, here three: ``c_attn.q``, ``c_attn.k`` and ``c_attn.v``.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import linear
from tabulae.program.architectures._fields import LAYERS, activation, columns_per_head, flag, integer, number
from tabulae.program.architectures._fused import parts
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select

EMBEDDING = "transformer.wte.weight"
FUSED = "transformer.h.{}.attn.c_attn"
PARTS = tuple(f"{FUSED}.{part}" for part in "qkv")


def _lengths(config: "Config") -> list[int]:
    return [config.hidden] * 3


GGUF: Patterns = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.h.{}.ln_1": "blk.{}.attn_norm",
    **parts(PARTS, "blk.{}.attn_qkv", _lengths),
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
        **parts(PARTS, FUSED, _lengths, transposed=True),
        **{name: Stored(name, transposed=True) for name in LINEARS},
    },
    {"transformer.": ("",)},
)


@dataclass(frozen=True)
class Config:
    """Sizes."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    vocabulary: int
    context: int
    eps: float
    activation: Activation
    tied: bool
    scaled: bool = True  # scores are divided by the root of a head's width ...
    by_layer: bool = False  # ... and by the number of the layer, from 1


def _from_gguf(source: Source) -> Config:
    meta = source.metadata
    return Config(
        layers=integer(meta, "gpt2.block_count", most=LAYERS),
        hidden=integer(meta, "gpt2.embedding_length"),
        intermediate=integer(meta, "gpt2.feed_forward_length"),
        heads=integer(meta, "gpt2.attention.head_count"),
        vocabulary=_gguf.vocabulary(source),
        context=integer(meta, "gpt2.context_length"),
        eps=number(meta, "gpt2.attention.layer_norm_epsilon"),
        activation="gelu_tanh",
        tied="output.weight" not in source.names,
    )


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    hidden = integer(meta, "n_embd")
    return Config(
        layers=integer(meta, "n_layer", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "n_inner", default=4 * hidden),
        heads=integer(meta, "n_head"),
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "n_positions"),
        eps=number(meta, "layer_norm_epsilon"),
        activation=activation(meta, "activation_function", default="gelu_new"),
        tied=_huggingface.is_tied(source, HUGGINGFACE, meta, True, EMBEDDING),
        scaled=flag(meta, "scale_attn_weights", default=True),
        by_layer=flag(meta, "scale_attn_by_inverse_layer_idx"),
    )


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    body: list[Operation] = [Embed.of(EMBEDDING, "x"), EmbedPosition("transformer.wpe.weight", "x")]
    for layer in range(config.layers):
        body += _block(f"transformer.h.{layer}", layer, config)
    head = Linear(EMBEDDING if config.tied else "lm_head.weight", "logits")
    body += [Select("x", "last"), _norm("transformer.ln_f", "last", "last", config), Project("last", (head,))]
    buffers = dict.fromkeys(("x", "h", "q", "k", "v", "a", "last"), config.hidden)
    buffers |= {"m": config.intermediate, "g": config.intermediate, "logits": config.vocabulary}
    return Decoder.of(body, buffers, config.vocabulary, config.context)


def _block(at: str, layer: int, config: Config) -> list[Operation]:
    heads, head = config.heads, columns_per_head(config.hidden, config.heads)
    return [
        _norm(f"{at}.ln_1", "x", "h", config),
        Project("h", tuple(linear(f"{at}.attn.c_attn.{part}", part, bias=True) for part in "qkv")),
        Attention("q", "k", "v", "a", *kept(layer), heads, heads, head, _scale(config, head, layer)),
        Project("a", (linear(f"{at}.attn.c_proj", "h", bias=True),)),
        Add("x", "h", "x"),
        _norm(f"{at}.ln_2", "x", "h", config),
        Project("h", (linear(f"{at}.mlp.c_fc", "m", bias=True),)),
        Activate(config.activation, "m", "g"),
        Project("g", (linear(f"{at}.mlp.c_proj", "h", bias=True),)),
        Add("x", "h", "x"),
    ]


def _scale(config: Config, head: int, layer: int) -> float:
    scale = 1 / sqrt(head) if config.scaled else 1.0
    return float(np.float32(scale / (layer + 1) if config.by_layer else scale))


def _norm(module: str, input: str, out: str, config: Config) -> LayerNorm:
    return LayerNorm(f"{module}.weight", f"{module}.bias", input, out, config.eps)


MASKS = ("*h.*.attn.bias", "*h.*.attn.masked_bias")  # that old checkpoints stored
ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gpt2", _from_gguf, GGUF),
        _huggingface.huggingface(
            ("gpt2",),
            _from_huggingface,
            HUGGINGFACE,
            ignored=MASKS,
            harmless={
                "n_positions counts": "n_ctx",
                "of a head that sums up": "summary_*",
                "the same product, in float32 as here": "reorder_and_upcast_attn",
            },
        ),
    ),
)
