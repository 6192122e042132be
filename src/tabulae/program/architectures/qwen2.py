"""Qwen2 and 2.5 (Yang et al. 2024): llama with biases on q, k and v, and perhaps sliding windows in late layers."""

from dataclasses import replace

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder


def _from_gguf(source: Source) -> Sizes:
    """Converters refuse windows."""
    return replace(_gguf.decoder(source), bias=Biases(qkv=True))


def _from_huggingface(source: Source) -> Sizes:
    sizes = _huggingface.decoder(source, _huggingface.LLAMA)
    windows = _huggingface.late_windows(source.metadata, sizes.layers)
    return replace(sizes, bias=Biases(qkv=True), windows=windows)


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("qwen2", _from_gguf, _gguf.LLAMA, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("qwen2",), _from_huggingface, _huggingface.LLAMA, neutral={"use_mrope": (False,)}),
    ),
)
