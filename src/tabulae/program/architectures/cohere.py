"""Command R (Cohere 2024): attention and gated linears side by side behind one layer norm without bias.

Rotated pairs lie side by side in every kind of source. Logits times a number: the last norm is multiplied instead.
"""

from dataclasses import dataclass, replace

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import gated_mlp, layer_norm, parallel_residual, self_attention
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import flag, number
from tabulae.program.architectures._fused import interleaved
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

LAYER = "model.layers.{}"
LOGIT_SCALE = 0.0625


def _norm(stored: str) -> Stored:
    return Stored(stored, times=lambda config: config.logits)


GGUF: Patterns = {**_gguf.INTERLEAVED, "model.norm": _norm("output_norm")}
HUGGINGFACE = Names(
    {
        f"{LAYER}.self_attn.q_proj": interleaved(f"{LAYER}.self_attn.q_proj", "heads"),
        f"{LAYER}.self_attn.k_proj": interleaved(f"{LAYER}.self_attn.k_proj", "kv_heads"),
        "model.norm": _norm("model.norm"),
    },
    {"model.": ("",)},
)


@dataclass(frozen=True)
class Config:
    """Sizes, and what logits are multiplied by."""

    decoder: Sizes
    logits: float


def _from_gguf(source: Source) -> Config:
    sizes = _gguf.decoder(source, eps="layer_norm_epsilon")
    bias = Biases.of("blk.0.attn_q.bias" in source.names)
    return Config(replace(sizes, bias=bias), number(source.metadata, "command-r.logit_scale"))


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    sizes = _huggingface.decoder(source, HUGGINGFACE, tied=True, eps="layer_norm_eps")
    bias = Biases.of(flag(meta, "attention_bias"))
    return Config(replace(sizes, bias=bias), number(meta, "logit_scale", default=LOGIT_SCALE))


def program(config: Config) -> Decoder:
    """``x += attention(norm x) + mlp(norm x)``."""
    sizes = config.decoder

    def block(layer: int) -> list[Operation]:
        at = LAYER.format(layer)
        return parallel_residual(
            layer_norm(f"{at}.input_layernorm", "x", "h", sizes.eps, bias=False),
            *gated_mlp(f"{at}.mlp", sizes, out="n"),
            *self_attention(f"{at}.self_attn", layer, sizes),
        )

    return program_of(sizes, block, norm=layer_norm("model.norm", "last", "last", sizes.eps, bias=False))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("command-r", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("cohere",), _from_huggingface, HUGGINGFACE, neutral={"use_qk_norm": (False,)}),
    ),
)
