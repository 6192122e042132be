"""OLMo 2 (OLMo team 2024): llama with norms behind each half of a block, and over all queries and all keys."""

from dataclasses import replace

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import gated_mlp, residual, rms_norm, self_attention
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

GGUF: Patterns = {
    **_gguf.NORMED,
    "model.layers.{}.post_attention_layernorm": "blk.{}.post_attention_norm",
    "model.layers.{}.post_feedforward_layernorm": "blk.{}.post_ffw_norm",
}


def _from_gguf(source: Source) -> Sizes:
    """Converters know no biases."""
    return _gguf.decoder(source)


def _from_huggingface(source: Source) -> Sizes:
    bias = flag(source.metadata, "attention_bias")
    return replace(_huggingface.decoder(source, _huggingface.LLAMA), bias=Biases.of(bias))


def program(sizes: Sizes) -> Decoder:
    """Post-norm blocks: ``x += norm(attention x); x += norm(mlp x)``."""

    def block(layer: int) -> list[Operation]:
        at = f"model.layers.{layer}"
        attention = self_attention(f"{at}.self_attn", layer, sizes, input="x", norms=True)
        mlp = gated_mlp(f"{at}.mlp", sizes, input="x")
        return [
            *residual(*attention, rms_norm(f"{at}.post_attention_layernorm", "h", "h", sizes.eps)),
            *residual(*mlp, rms_norm(f"{at}.post_feedforward_layernorm", "h", "h", sizes.eps)),
        ]

    return program_of(sizes, block)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("olmo2", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("olmo2",), _from_huggingface, _huggingface.LLAMA),
    ),
)
