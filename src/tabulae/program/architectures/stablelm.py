"""StableLM 2 and 3B (Bellagente et al. 2024): layer norms, gated linears, a quarter of every head turns.

Attention and mlp may stand side by side, behind one norm.
"""

from dataclasses import dataclass

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import gated_mlp, layer_norm, rotary_attention, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.embed import Embed


@dataclass(frozen=True)
class Config:
    """Sizes, whether q, k and v have biases, and whether both halves of a block are side by side."""

    decoder: Sizes
    qkv_bias: bool
    parallel: bool


def _from_gguf(source: Source) -> Config:
    """Which norms are there says more than the key, which converters of old wrote wrong."""
    source.metadata.get("stablelm.use_parallel_residual")
    bias, parallel = "blk.0.attn_q.bias" in source.names, "blk.0.ffn_norm.weight" not in source.names
    return Config(_gguf.decoder(source, eps="layer_norm_epsilon"), bias, parallel)


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    sizes = _huggingface.decoder(source, _huggingface.LLAMA, rotary=0.25, eps="layer_norm_eps")
    return Config(sizes, flag(meta, "use_qkv_bias"), flag(meta, "use_parallel_residual"))


def program(config: Config) -> Decoder:
    """``x += attention(norm x); x += mlp(norm x)``, or ``x += attention(norm x) + mlp(norm x)``."""
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer in range(config.decoder.layers):
        body += _block(f"model.layers.{layer}", layer, config)
    norm = layer_norm("model.norm", "last", "last", config.decoder.eps)
    return rotary_program(body, config.decoder, norm=norm)


def _block(at: str, layer: int, config: Config) -> list[Operation]:
    sizes = config.decoder
    first = layer_norm(f"{at}.input_layernorm", "x", "h", sizes.eps)
    second = layer_norm(f"{at}.post_attention_layernorm", "x", "h", sizes.eps)
    attention = rotary_attention(f"{at}.self_attn", layer, sizes, qkv_bias=config.qkv_bias)
    if config.parallel:
        mlp = gated_mlp(f"{at}.mlp", sizes.activation, out="n")
        return [first, *mlp, *attention, Add("n", "h", "h"), Add("x", "h", "x")]
    mlp = gated_mlp(f"{at}.mlp", sizes.activation)
    return [first, *attention, Add("x", "h", "x"), second, *mlp, Add("x", "h", "x")]


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("stablelm", _from_gguf, _gguf.LLAMA, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(
            ("stablelm",), _from_huggingface, _huggingface.LLAMA, neutral={"qk_layernorm": (False,)}
        ),
    ),
)
