"""Mistral (Jiang et al. 2023): llama with a sliding window in all layers; its GGUF files call themselves llama."""

from dataclasses import replace

from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder


def read(source: Source) -> Sizes:
    """From config.json."""
    sizes = _huggingface.decoder(source, _huggingface.LLAMA)
    return replace(sizes, windows=_huggingface.one_window(source.metadata, sizes.layers, default=4096))


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes))


ARCHITECTURE = Architecture(program, (_huggingface.huggingface(("mistral",), read, _huggingface.LLAMA),))
