"""GPT-2 (Radford et al. 2019): layer norms, learned positions, GELU.

Its q, k and v are one fused linear, here three: ``c_attn.q``, ``c_attn.k`` and ``c_attn.v``.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import linear
from tabulae.program.architectures._fields import (
    LAYERS,
    activation,
    columns_per_head,
    flag,
    gguf_vocabulary,
    integer,
    number,
    tied,
)
from tabulae.program.architectures._origin import Origin, Source, gguf_name, huggingface_name
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
NAMES = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.h.{}.ln_1": "blk.{}.attn_norm",
    "transformer.h.{}.attn.c_attn": "blk.{}.attn_qkv",
    "transformer.h.{}.attn.c_proj": "blk.{}.attn_output",
    "transformer.h.{}.ln_2": "blk.{}.ffn_norm",
    "transformer.h.{}.mlp.c_fc": "blk.{}.ffn_up",
    "transformer.h.{}.mlp.c_proj": "blk.{}.ffn_down",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
}


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


def read(source: Source) -> Config:
    """From ``gpt2.*`` keys or config.json."""
    meta = source.metadata
    if source.kind == "gguf":
        return Config(
            layers=integer(meta, "gpt2.block_count", most=LAYERS),
            hidden=integer(meta, "gpt2.embedding_length"),
            intermediate=integer(meta, "gpt2.feed_forward_length"),
            heads=integer(meta, "gpt2.attention.head_count"),
            vocabulary=gguf_vocabulary(source),
            context=integer(meta, "gpt2.context_length"),
            eps=number(meta, "gpt2.attention.layer_norm_epsilon"),
            activation="gelu_tanh",
            tied="output.weight" not in source.names,
        )
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
        tied=tied(source, meta, huggingface_name(source, EMBEDDING, "transformer."), default=True),
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


def origin(source: Source, config: Config, name: str) -> Origin:
    """The fused linear is cut in three; Hugging Face keeps all linears but the head as [inputs, outputs]."""
    rows = None
    module = name.split(".")[-2]
    if module in ("q", "k", "v"):
        rows = np.arange(config.hidden) + "qkv".index(module) * config.hidden
        name = name.replace(f".{module}.", ".")
    if source.kind == "gguf":
        return Origin(gguf_name(NAMES, name), rows=rows)
    conv1d = name.split(".")[-2].startswith("c_")
    return Origin(huggingface_name(source, name, "transformer."), transposed=conv1d, rows=rows)


ARCHITECTURE = Architecture(
    model_types=("gpt2",),
    read=read,
    program=program,
    origin=origin,
    ignored=("*h.*.attn.bias", "*h.*.attn.masked_bias", "lm_head.weight"),  # masks that old checkpoints stored
    harmless={
        "n_positions counts": "n_ctx",
        "of a head that sums up": "summary_*",
        "the same product, in float32 as here": "reorder_and_upcast_attn",
    },
)
