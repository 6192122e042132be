"""Qwen3, dense (Yang et al. 2025): llama with an RMS norm on every q and k head."""

from dataclasses import dataclass

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation


@dataclass(frozen=True)
class Config:
    """Sizes, biases and the window of every layer."""

    decoder: Sizes
    bias: bool  # on q, k, v and the output
    windows: tuple[int | None, ...]


def _from_gguf(source: Source) -> Config:
    """Converters know neither biases nor windows."""
    sizes = _gguf.decoder(source)
    return Config(sizes, False, (None,) * sizes.layers)


def _from_huggingface(source: Source) -> Config:
    """The width of a head does not follow from hidden_size."""
    sizes, meta = _huggingface.decoder(source, _huggingface.LLAMA, head=128), source.metadata
    return Config(sizes, flag(meta, "attention_bias"), _huggingface.late_windows(meta, sizes.layers))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes, bias = config.decoder, config.bias

    def block(layer: int) -> list[Operation]:
        return pre_norm_block(layer, sizes, bias=bias, norms=True, window=config.windows[layer])

    return program_of(sizes, block)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("qwen3", _from_gguf, _gguf.NORMED, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("qwen3",), _from_huggingface, _huggingface.LLAMA, neutral={"use_mrope": (False,)}),
    ),
)
