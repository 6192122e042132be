"""Falcon (Almazrouei et al. 2023): layer norms, GELU, few key-value heads; attention and mlp often side by side.

Its layers are those of Megatron-LM. The oldest ones have ALiBi in place of rotary positions; they were trained with
bfloat16 slopes, which are scaled like the scores they are added to.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tabulae.arithmetic.bfloat16 import round_bfloat16
from tabulae.errors import ModelError
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._alibi import SLOPES, slopes
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import Turns, parallel_residual, residual, scale_of
from tabulae.program.architectures._config import Biases, Sizes, kv_heads
from tabulae.program.architectures._fields import LAYERS, activation, columns_per_head, flag, integer, number
from tabulae.program.architectures._megatron import NORMS, Megatron
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._rope import STILL, frequencies
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.project import Project

MODULES = Megatron("transformer.word_embeddings", "transformer.h.{}", "self_attention", "transformer.ln_f")
GGUF: Patterns = {
    **MODULES.gguf(),
    f"{MODULES.layer}.ln_attn": "blk.{}.attn_norm_2",
    f"{MODULES.layer}.ln_mlp": "blk.{}.attn_norm",
}
HUGGINGFACE = Names(MODULES.huggingface(), {"transformer.": ("",)})
NEUTRAL = {"apply_residual_connection_post_layernorm": (False,)}
Block = Literal["shared", "two", "sequential"]  # parallel with one norm or with two, or one half after the other


@dataclass(frozen=True)
class Config:
    """Sizes, the kind of block, and whether ALiBi stands in place of the rotation."""

    decoder: Sizes
    block: Block
    alibi: bool = False


def _from_gguf(source: Source) -> Config:
    """Never ALiBi."""
    meta = source.metadata
    hidden, heads = integer(meta, "falcon.embedding_length"), integer(meta, "falcon.attention.head_count")
    head, context = columns_per_head(hidden, heads), integer(meta, "falcon.context_length")
    if integer(meta, "falcon.rope.dimension_count", default=head) != head:
        raise ModelError("falcon.rope.dimension_count", f"it must be the width of a head, {head}", "another")
    sizes = Sizes(
        layers=integer(meta, "falcon.block_count", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "falcon.feed_forward_length", default=4 * hidden),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, "falcon.attention.head_count_kv", default=1)),
        head=head,
        vocabulary=_gguf.vocabulary(source),
        context=context,
        eps=number(meta, "falcon.attention.layer_norm_epsilon"),
        turn=frequencies(head, _gguf.rope(source, context)),
        activation="gelu",
        tied="output.weight" not in source.names,
        bias=Biases.all("blk.0.attn_qkv.bias" in source.names),
    )
    two = "blk.0.attn_norm_2.weight" in source.names
    return Config(sizes, "two" if two else "shared")


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    hidden, heads = integer(meta, "hidden_size", "n_embed"), integer(meta, "num_attention_heads", "n_head")
    context, alibi = integer(meta, "max_position_embeddings", default=2048), flag(meta, "alibi")
    head = columns_per_head(hidden, heads)
    turn = frequencies(head, _huggingface.rope(meta, context))
    sizes = Sizes(
        layers=integer(meta, "num_hidden_layers", "n_layer", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "ffn_hidden_size", default=4 * hidden),
        heads=heads,
        kv_heads=kv_heads(heads, _kv_heads(meta, heads)),
        head=head,
        vocabulary=integer(meta, "vocab_size"),
        context=context,
        eps=number(meta, "layer_norm_epsilon"),
        turn=STILL if alibi else turn,
        activation=activation(meta, "activation", default="gelu"),
        tied=_huggingface.is_tied(source, HUGGINGFACE, meta, True, MODULES.embedding),
        bias=Biases.all(flag(meta, "bias")),
    )
    return Config(sizes, _block_kind(meta), alibi)


def _kv_heads(meta: Any, heads: int) -> int:
    new, one = flag(meta, "new_decoder_architecture"), flag(meta, "multi_query", default=True)
    grouped = integer(meta, "num_kv_heads", "n_head_kv", default=heads)
    return grouped if new else 1 if one else heads


def _block_kind(meta: Any) -> Block:
    norms, parallel = meta.get("num_ln_in_parallel_attn"), flag(meta, "parallel_attn", default=True)
    if flag(meta, "new_decoder_architecture"):
        return "shared" if norms == 1 else "two"
    return "shared" if parallel else "sequential"


def program(config: Config) -> Decoder:
    """Parallel blocks ``x += mlp(norm x) + attention(norm x)``, or one half after the other."""
    sizes = config.decoder
    constants = {SLOPES: _slopes(sizes.heads, sizes.head)} if config.alibi else {}
    return MODULES.program(
        sizes, lambda layer: _block(layer, config), constants=constants, values={"g": sizes.intermediate}
    )


def _block(layer: int, config: Config) -> list[Operation]:
    sizes, input = config.decoder, "n" if config.block == "two" else "h"
    more: Turns = {"slopes": SLOPES} if config.alibi else {}
    attention = MODULES.self_attention(layer, sizes, **more)
    mlp = MODULES.mlp(layer, sizes, input=input, out="n", hidden=("m", "g"))
    if config.block == "sequential":
        first, second = (MODULES.layer_norm(layer, name, sizes) for name in NORMS)
        return [*residual(first, *attention), *residual(second, *mlp, out="n")]
    (qkv, *attend), (up, *down) = attention, mlp
    if config.block == "two":
        norms = MODULES.layer_norm(layer, "ln_attn", sizes), MODULES.layer_norm(layer, "ln_mlp", sizes, "n")
        return parallel_residual(*norms, qkv, up, *attend, *down)
    return parallel_residual(MODULES.layer_norm(layer, "input_layernorm", sizes), _joined(qkv, up), *attend, *down)


def _joined(*projections: Operation) -> Operation:
    """What sees one input is one operation."""
    return Project("h", tuple(one for op in projections for seen in op.projections() for one in seen.linears))


def _slopes(heads: int, head: int) -> tuple[float, ...]:
    """Those of ALiBi, in bfloat16, scaled.

    >>> _slopes(4, 64)
    (0.03125, 0.0078125, 0.001953125, 0.00048828125)
    """
    return tuple((round_bfloat16(slopes(heads)) * np.float32(scale_of(head))).tolist())


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("falcon", _from_gguf, GGUF),
        _huggingface.huggingface(("falcon",), _from_huggingface, HUGGINGFACE, neutral=NEUTRAL),
    ),
)
