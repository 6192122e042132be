"""GPT-NeoX (Black et al. 2022) and Pythia: layer norms, GELU, a quarter of every head turns, halves side by side.

Its q, k and v are one fused linear, here three: ``query_key_value.q``, ``.k`` and ``.v``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, rotary_attention, rotary_program
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import first, flag, integer, over
from tabulae.program.architectures._fused import grouped, parts, qkv_lengths
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.embed import Embed

EMBEDDING = "gpt_neox.embed_in.weight"
LAYER = "gpt_neox.layers.{}"
FUSED = f"{LAYER}.attention.query_key_value"
PARTS = tuple(f"{FUSED}.{part}" for part in "qkv")
GGUF: Patterns = {
    "gpt_neox.embed_in": "token_embd",
    f"{LAYER}.input_layernorm": "blk.{}.attn_norm",
    **parts(PARTS, "blk.{}.attn_qkv", qkv_lengths),
    f"{LAYER}.attention.dense": "blk.{}.attn_output",
    f"{LAYER}.post_attention_layernorm": "blk.{}.ffn_norm",
    f"{LAYER}.mlp.dense_h_to_4h": "blk.{}.ffn_up",
    f"{LAYER}.mlp.dense_4h_to_h": "blk.{}.ffn_down",
    "gpt_neox.final_layer_norm": "output_norm",
    "lm_head": "output",
}
HUGGINGFACE = Names(grouped(PARTS, FUSED), {"gpt_neox.": ("",), "lm_head.": ("embed_out.",)})
QUARTER = 0.25


@dataclass(frozen=True)
class Config:
    """Sizes, whether attention has biases, and whether both halves of a block are side by side."""

    decoder: Sizes
    bias: bool
    parallel: bool


def _from_gguf(source: Source) -> Config:
    sizes = _gguf.decoder(source, "gelu", eps="layer_norm_epsilon")
    parallel = flag(source.metadata, "gptneox.use_parallel_residual", default=True)
    return Config(sizes, "blk.0.attn_qkv.bias" in source.names, parallel)


def _from_huggingface(source: Source) -> Config:
    meta = over(_older(source.metadata), source.metadata)
    turns = _huggingface.rope(meta, integer(meta, "max_position_embeddings"))
    tied = _huggingface.is_tied(source, HUGGINGFACE, meta, False, EMBEDDING)
    sizes = _huggingface.sizes(meta, turns, tied, rotary=QUARTER, eps="layer_norm_eps")
    return Config(sizes, flag(meta, "attention_bias", default=True), flag(meta, "use_parallel_residual", default=True))


def _older(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The two keys of the rotation that go by other names up to transformers 4."""
    spellings = {"rope_theta": "rotary_emb_base", "partial_rotary_factor": "rotary_pct"}
    found = {name: first(meta, (name, older)) for name, older in spellings.items()}
    return {name: value for name, value in found.items() if value is not None}


def program(config: Config) -> Decoder:
    """``x += attention(norm x) + mlp(norm x)``, or one half after the other."""
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer in range(config.decoder.layers):
        body += _block(f"gpt_neox.layers.{layer}", layer, config)
    norm = layer_norm("gpt_neox.final_layer_norm", "last", "last", config.decoder.eps)
    return rotary_program(body, config.decoder, norm=norm, embedding=EMBEDDING)


def _block(at: str, layer: int, config: Config) -> list[Operation]:
    sizes, bias = config.decoder, config.bias
    qkv = (f"{at}.attention.query_key_value.{part}" for part in "qkv")
    attention = rotary_attention(
        at, layer, sizes, linears=(*qkv, f"{at}.attention.dense"), qkv_bias=bias, out_bias=bias
    )
    up, down, out = f"{at}.mlp.dense_h_to_4h", f"{at}.mlp.dense_4h_to_h", "n" if config.parallel else "h"
    mlp = plain_mlp(up, down, sizes.activation, True, out)
    before = layer_norm(f"{at}.input_layernorm", "x", "h", sizes.eps)
    behind = layer_norm(f"{at}.post_attention_layernorm", "x", out, sizes.eps)
    if config.parallel:
        return [before, behind, *attention, *mlp, Add("n", "h", "h"), Add("x", "h", "x")]
    return [before, *attention, Add("x", "h", "x"), behind, *mlp, Add("x", "h", "x")]


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gptneox", _from_gguf, GGUF),
        _huggingface.huggingface(
            ("gpt_neox",),
            _from_huggingface,
            HUGGINGFACE,
            ignored=("*.attention.bias", "*.attention.masked_bias", "embed_out.weight"),
        ),
    ),
)
