"""BLOOM (Le Scao et al. 2022): ALiBi, layer norms (one behind the embedding), GELU.

Its q, k and v are one fused linear, here three: ``query_key_value.q``, ``.k`` and ``.v``.
"""

import numpy as np

from tabulae.arithmetic.elementary import exp2
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, rotary_attention, rotary_program
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import LAYERS, columns_per_head, integer, number
from tabulae.program.architectures._fused import grouped, parts, qkv_lengths
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._rope import Frequencies
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.embed import Embed

EMBEDDING = "transformer.word_embeddings.weight"
LAYER = "transformer.h.{}"
FUSED = f"{LAYER}.self_attention.query_key_value"
PARTS = tuple(f"{FUSED}.{part}" for part in "qkv")
GGUF: Patterns = {
    "transformer.word_embeddings": "token_embd",
    "transformer.word_embeddings_layernorm": "token_embd_norm",
    f"{LAYER}.input_layernorm": "blk.{}.attn_norm",
    **parts(PARTS, "blk.{}.attn_qkv", qkv_lengths),
    f"{LAYER}.self_attention.dense": "blk.{}.attn_output",
    f"{LAYER}.post_attention_layernorm": "blk.{}.ffn_norm",
    f"{LAYER}.mlp.dense_h_to_4h": "blk.{}.ffn_up",
    f"{LAYER}.mlp.dense_4h_to_h": "blk.{}.ffn_down",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
}
HUGGINGFACE = Names(grouped(PARTS, FUSED), {"transformer.": ("",)})
CONTEXT = 2048


def _from_gguf(source: Source) -> Sizes:
    meta = source.metadata
    layers, hidden = integer(meta, "bloom.block_count", most=LAYERS), integer(meta, "bloom.embedding_length")
    heads, context = integer(meta, "bloom.attention.head_count"), integer(meta, "bloom.context_length")
    integer(meta, "bloom.attention.head_count_kv", default=heads)  # the rows of the fused linear must fit anyway
    intermediate = integer(meta, "bloom.feed_forward_length", default=4 * hidden)
    eps, tied = number(meta, "bloom.attention.layer_norm_epsilon"), "output.weight" not in source.names
    return _sizes(layers, hidden, intermediate, heads, _gguf.vocabulary(source), context, eps, tied)


def _from_huggingface(source: Source) -> Sizes:
    """Nothing limits the context but what it was trained with."""
    meta = source.metadata
    layers, heads = integer(meta, "n_layer", "num_hidden_layers", most=LAYERS), integer(meta, "n_head")
    hidden, vocabulary = integer(meta, "hidden_size", "n_embed"), integer(meta, "vocab_size")
    context, eps = integer(meta, "seq_length", default=CONTEXT), number(meta, "layer_norm_epsilon", default=1e-5)
    tied = _huggingface.is_tied(source, HUGGINGFACE, meta, True, EMBEDDING)
    return _sizes(layers, hidden, 4 * hidden, heads, vocabulary, context, eps, tied)


def _sizes(
    layers: int, hidden: int, intermediate: int, heads: int, vocabulary: int, context: int, eps: float, tied: bool
) -> Sizes:
    head, still = columns_per_head(hidden, heads), Frequencies(())
    return Sizes(layers, hidden, intermediate, heads, heads, head, vocabulary, context, eps, still, "gelu_tanh", tied)


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    before = layer_norm("transformer.word_embeddings_layernorm", "x", "x", sizes.eps)
    body: list[Operation] = [Embed.of(EMBEDDING, "x"), before]
    for layer in range(sizes.layers):
        body += _block(f"transformer.h.{layer}", layer, sizes)
    norm, constants = layer_norm("transformer.ln_f", "last", "last", sizes.eps), {"slopes": slopes(sizes.heads)}
    return rotary_program(body, sizes, constants, norm=norm, embedding=EMBEDDING)


def _block(at: str, layer: int, sizes: Sizes) -> list[Operation]:
    linears = tuple(f"{at}.self_attention.{name}" for name in (*(f"query_key_value.{part}" for part in "qkv"), "dense"))
    return [
        layer_norm(f"{at}.input_layernorm", "x", "h", sizes.eps),
        *rotary_attention(at, layer, sizes, linears=linears, qkv_bias=True, out_bias=True, turn=None, slopes="slopes"),
        Add("x", "h", "x"),
        layer_norm(f"{at}.post_attention_layernorm", "x", "h", sizes.eps),
        *plain_mlp(f"{at}.mlp.dense_h_to_4h", f"{at}.mlp.dense_4h_to_h", sizes.activation, True),
        Add("x", "h", "x"),
    ]


def slopes(heads: int) -> tuple[float, ...]:
    """ALiBi: 2^(-8 i / n) for i = 1..n of the largest power of two n, then every second one of 2 n.

    >>> slopes(4)
    (0.25, 0.0625, 0.015625, 0.00390625)
    """
    n = 1 << (heads.bit_length() - 1)
    exponents = [8 * i / n for i in range(1, n + 1)] + [4 * i / n for i in range(1, 2 * (heads - n), 2)]
    return tuple(exp2(-np.array(exponents)).astype(np.float32).tolist())


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("bloom", _from_gguf, GGUF, neutral={"attention.max_alibi_bias": (8.0,)}),
        _huggingface.huggingface(
            ("bloom",),
            _from_huggingface,
            HUGGINGFACE,
            harmless={
                "how it was trained and cut among machines": (
                    "bias_dropout_fusion masked_softmax_fusion skip_bias_add skip_bias_add_qkv pretraining_tp"
                ),
                "the same in float32": "slow_but_exact attention_softmax_in_fp32",
                "a shift of all scores": "offset_alibi",
            },
            neutral={"apply_residual_connection_post_layernorm": (False,)},
        ),
    ),
)
