"""StableLM 2 and 3B (Bellagente et al. 2024): layer norms, gated linears, a quarter of every head turns.

Attention and mlp may stand side by side, behind one norm.
"""

from dataclasses import dataclass, replace

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import (
    gated_mlp,
    layer_norm,
    parallel_residual,
    pre_norm_block,
    self_attention,
)
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation


@dataclass(frozen=True)
class Config:
    """Sizes, and whether both halves of a block are side by side."""

    decoder: Sizes
    parallel: bool


def _from_gguf(source: Source) -> Config:
    """Which norms are there says more than the key, which converters of old wrote wrong."""
    source.metadata.get("stablelm.use_parallel_residual")
    bias, parallel = "blk.0.attn_q.bias" in source.names, "blk.0.ffn_norm.weight" not in source.names
    return Config(replace(_gguf.decoder(source, eps="layer_norm_epsilon"), bias=Biases(qkv=bias)), parallel)


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    sizes = _huggingface.decoder(source, _huggingface.LLAMA, rotary=0.25, eps="layer_norm_eps")
    bias = Biases(qkv=flag(meta, "use_qkv_bias"))
    return Config(replace(sizes, bias=bias), flag(meta, "use_parallel_residual"))


def program(config: Config) -> Decoder:
    """``x += attention(norm x); x += mlp(norm x)``, or ``x += attention(norm x) + mlp(norm x)``."""
    norm = layer_norm("model.norm", "last", "last", config.decoder.eps)
    return program_of(config.decoder, lambda layer: _block(layer, config), norm=norm)


def _block(layer: int, config: Config) -> list[Operation]:
    at, sizes = f"model.layers.{layer}", config.decoder
    if not config.parallel:
        return pre_norm_block(layer, sizes, norm=layer_norm)
    return parallel_residual(
        layer_norm(f"{at}.input_layernorm", "x", "h", sizes.eps),
        *gated_mlp(f"{at}.mlp", sizes, out="n"),
        *self_attention(f"{at}.self_attn", layer, sizes),
    )


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("stablelm", _from_gguf, _gguf.LLAMA, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(
            ("stablelm",), _from_huggingface, _huggingface.LLAMA, neutral={"qk_layernorm": (False,)}
        ),
    ),
)
