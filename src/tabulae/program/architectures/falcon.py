"""Falcon (Almazrouei et al. 2023): layer norms, GELU, few key-value heads; attention and mlp often side by side.

Its q, k and v are one fused linear, here three: ``query_key_value.q``, ``.k`` and ``.v``. The oldest ones have
ALiBi slopes (Press et al. 2022) in place of rotary positions; they were trained with bfloat16 slopes, which are
scaled like the scores they are added to.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.arithmetic.bfloat16 import round_bfloat16
from tabulae.arithmetic.elementary import exp2
from tabulae.errors import ModelError
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import INV_FREQ, linear, scale_of
from tabulae.program.architectures._config import kv_heads
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
from tabulae.program.architectures._rope import Frequencies, frequencies, rope_gguf, rope_huggingface
from tabulae.program.operations import (
    Activate,
    Activation,
    Add,
    AnyOperation,
    Attention,
    Embed,
    LayerNorm,
    Linear,
    Program,
    Project,
    Select,
)

EMBEDDING = "transformer.word_embeddings.weight"
NAMES = {
    "transformer.word_embeddings": "token_embd",
    "transformer.h.{}.input_layernorm": "blk.{}.attn_norm",
    "transformer.h.{}.ln_attn": "blk.{}.attn_norm_2",
    "transformer.h.{}.ln_mlp": "blk.{}.attn_norm",
    "transformer.h.{}.self_attention.query_key_value": "blk.{}.attn_qkv",
    "transformer.h.{}.self_attention.dense": "blk.{}.attn_output",
    "transformer.h.{}.mlp.dense_h_to_4h": "blk.{}.ffn_up",
    "transformer.h.{}.mlp.dense_4h_to_h": "blk.{}.ffn_down",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
}
Block = Literal["shared", "two", "sequential"]  # parallel with one norm or with two, or one half after the other


@dataclass(frozen=True)
class Config:
    """Sizes and the kind of block; no ``turn`` where ALiBi stands in its place."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int
    eps: float
    activation: Activation
    bias: bool
    block: Block
    turn: Frequencies | None
    tied: bool

    @property
    def head(self) -> int:
        """Columns per head."""
        return columns_per_head(self.hidden, self.heads)


def read(source: Source) -> Config:
    """From ``falcon.*`` keys (never ALiBi) or config.json."""
    return _from_gguf(source) if source.kind == "gguf" else _from_huggingface(source)


def _from_gguf(source: Source) -> Config:
    meta = source.metadata
    hidden, heads = integer(meta, "falcon.embedding_length"), integer(meta, "falcon.attention.head_count")
    head, context = columns_per_head(hidden, heads), integer(meta, "falcon.context_length")
    if integer(meta, "falcon.rope.dimension_count", default=head) != head:
        raise ModelError("falcon.rope.dimension_count", f"it must be the width of a head, {head}", "another")
    return Config(
        layers=integer(meta, "falcon.block_count", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "falcon.feed_forward_length", default=4 * hidden),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, "falcon.attention.head_count_kv", default=1)),
        vocabulary=gguf_vocabulary(source),
        context=context,
        eps=number(meta, "falcon.attention.layer_norm_epsilon"),
        activation="gelu",
        bias="blk.0.attn_qkv.bias" in source.names,
        block="two" if "blk.0.attn_norm_2.weight" in source.names else "shared",
        turn=frequencies(head, rope_gguf(source, context)),
        tied="output.weight" not in source.names,
    )


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    hidden, heads = integer(meta, "hidden_size", "n_embed"), integer(meta, "num_attention_heads", "n_head")
    context = integer(meta, "max_position_embeddings", default=2048)
    turn = frequencies(columns_per_head(hidden, heads), rope_huggingface(meta, context))
    return Config(
        layers=integer(meta, "num_hidden_layers", "n_layer", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "ffn_hidden_size", default=4 * hidden),
        heads=heads,
        kv_heads=kv_heads(heads, _kv_heads(meta, heads)),
        vocabulary=integer(meta, "vocab_size"),
        context=context,
        eps=number(meta, "layer_norm_epsilon"),
        activation=activation(meta, "activation", default="gelu"),
        bias=flag(meta, "bias"),
        block=_block_kind(meta),
        turn=None if flag(meta, "alibi") else turn,
        tied=tied(source, meta, huggingface_name(source, EMBEDDING, "transformer."), default=True),
    )


def _kv_heads(meta: Any, heads: int) -> int:
    new, one = flag(meta, "new_decoder_architecture"), flag(meta, "multi_query", default=True)
    grouped = integer(meta, "num_kv_heads", "n_head_kv", default=heads)
    return grouped if new else 1 if one else heads


def _block_kind(meta: Any) -> Block:
    norms, parallel = meta.get("num_ln_in_parallel_attn"), flag(meta, "parallel_attn", default=True)
    if flag(meta, "new_decoder_architecture"):
        return "shared" if norms == 1 else "two"
    return "shared" if parallel else "sequential"


def program(config: Config) -> Program:
    """Parallel blocks ``x += mlp(norm x) + attention(norm x)``, or one half after the other."""
    body: list[AnyOperation] = [Embed(EMBEDDING, "x")]
    for layer in range(config.layers):
        body += _block(f"transformer.h.{layer}", layer, config)
    head = Linear(EMBEDDING if config.tied else "lm_head.weight", "logits")
    body += [Select("x", "last"), _norm("transformer.ln_f", "last", "last", config), Project("last", (head,))]
    kv = config.kv_heads * config.head
    buffers = dict.fromkeys(("x", "h", "n", "q", "a", "last"), config.hidden) | {"k": kv, "v": kv}
    buffers |= {"m": config.intermediate, "g": config.intermediate, "logits": config.vocabulary}
    turn = config.turn
    constants = turn.constants(INV_FREQ) if turn else {"slopes": slopes(config.heads, config.head)}
    return Program(tuple(body), buffers, "logits", config.vocabulary, config.context, constants)


def _block(at: str, layer: int, config: Config) -> list[AnyOperation]:
    qkv = tuple(linear(f"{at}.self_attention.query_key_value.{part}", part, config.bias) for part in "qkv")
    up = linear(f"{at}.mlp.dense_h_to_4h", "m", config.bias)
    attention, mlp = _attention(at, layer, config), _mlp(at, config)
    both: list[AnyOperation] = [*attention, *mlp, Add("n", "h", "h"), Add("x", "h", "x")]
    if config.block == "shared":
        return [_norm(f"{at}.input_layernorm", "x", "h", config), Project("h", (*qkv, up)), *both]
    if config.block == "two":
        norms = [_norm(f"{at}.ln_attn", "x", "h", config), _norm(f"{at}.ln_mlp", "x", "n", config)]
        return [*norms, Project("h", qkv), Project("n", (up,)), *both]
    return [
        *(_norm(f"{at}.input_layernorm", "x", "h", config), Project("h", qkv), *attention, Add("x", "h", "x")),
        *(_norm(f"{at}.post_attention_layernorm", "x", "h", config), Project("h", (up,)), *mlp, Add("x", "n", "x")),
    ]


def _attention(at: str, layer: int, config: Config) -> list[AnyOperation]:
    """q, k, v -> h."""
    heads, kv, head = config.heads, config.kv_heads, config.head
    rotate = [config.turn.rotary(name, head, INV_FREQ) for name in "qk"] if config.turn else []
    slopes = None if config.turn else "slopes"
    return [
        *rotate,
        Attention("q", "k", "v", "a", layer, heads, kv, head, scale_of(head), slopes=slopes),
        Project("a", (linear(f"{at}.self_attention.dense", "h", config.bias),)),
    ]


def _mlp(at: str, config: Config) -> list[AnyOperation]:
    """m -> n."""
    return [Activate(config.activation, "m", "g"), Project("g", (linear(f"{at}.mlp.dense_4h_to_h", "n", config.bias),))]


def _norm(module: str, input: str, out: str, config: Config) -> LayerNorm:
    return LayerNorm(f"{module}.weight", f"{module}.bias", input, out, config.eps)


def slopes(heads: int, head: int) -> tuple[float, ...]:
    """ALiBi: 2^(-8 i / n) for i = 1..n of the largest power of two n, then every second one of 2 n; bfloat16, scaled.

    >>> slopes(4, 64)
    (0.03125, 0.0078125, 0.001953125, 0.00048828125)
    """
    n = 1 << (heads.bit_length() - 1)
    exponents = [8 * i / n for i in range(1, n + 1)] + [4 * i / n for i in range(1, 2 * (heads - n), 2)]
    rounded = round_bfloat16(exp2(-np.array(exponents)).astype(np.float32))
    return tuple((rounded * np.float32(scale_of(head))).tolist())


def origin(source: Source, config: Config, name: str) -> Origin:
    """Cut the fused linear: Hugging Face keeps [queries.., key, value] per key-value head, GGUF all q, all k, all v."""
    rows = None
    part = name.split(".")[-2]
    if part in ("q", "k", "v"):
        rows = _rows(config, part, fused=source.kind == "huggingface")
        name = name.replace(f".{part}.", ".")
    if source.kind == "gguf":
        return Origin(gguf_name(NAMES, name), rows=rows)
    return Origin(huggingface_name(source, name, "transformer."), rows=rows)


def _rows(config: Config, part: str, fused: bool) -> Int64s:
    kv, shared, head = config.kv_heads, config.heads // config.kv_heads, config.head
    if not fused:
        first = {"q": 0, "k": config.heads * head, "v": (config.heads + kv) * head}[part]
        return np.arange((config.heads if part == "q" else kv) * head) + first
    groups = np.arange(kv * (shared + 2) * head).reshape(kv, shared + 2, head)
    chosen = {"q": range(shared), "k": [shared], "v": [shared + 1]}[part]
    return groups[:, chosen].reshape(-1)


ARCHITECTURE = Architecture(
    model_types=("falcon",),
    read=read,
    program=program,
    origin=origin,
    ignored=("*.rotary_emb.inv_freq", "lm_head.weight"),
    neutral={"apply_residual_connection_post_layernorm": (False,)},
)
