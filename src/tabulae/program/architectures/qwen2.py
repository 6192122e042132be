"""Qwen2 and 2.5 (Yang et al. 2024): llama with biases on q, k and v, and perhaps sliding windows in late layers."""

from dataclasses import dataclass

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder


@dataclass(frozen=True)
class Config:
    """Sizes, and the window of every layer."""

    decoder: Sizes
    windows: tuple[int | None, ...]


def _from_gguf(source: Source) -> Config:
    """Converters refuse windows."""
    sizes = _gguf.decoder(source)
    return Config(sizes, (None,) * sizes.layers)


def _from_huggingface(source: Source) -> Config:
    sizes = _huggingface.decoder(source, _huggingface.LLAMA)
    return Config(sizes, _huggingface.late_windows(source.metadata, sizes.layers))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes = config.decoder
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes, qkv_bias=True, window=config.windows[layer]))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("qwen2", _from_gguf, _gguf.LLAMA, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("qwen2",), _from_huggingface, _huggingface.LLAMA, neutral={"use_mrope": (False,)}),
    ),
)
