"""Mistral (Jiang et al. 2023): llama with a sliding window in all layers; its GGUF files call themselves llama."""

from dataclasses import dataclass

from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder


@dataclass(frozen=True)
class Config:
    """Sizes, and the window of all layers."""

    decoder: Sizes
    window: int | None


def read(source: Source) -> Config:
    """From config.json."""
    return Config(_huggingface.decoder(source, _huggingface.LLAMA), _huggingface.window(source.metadata, default=4096))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(config.decoder, lambda layer: pre_norm_block(layer, config.decoder, window=config.window))


ARCHITECTURE = Architecture(program, (_huggingface.huggingface(("mistral",), read, _huggingface.LLAMA),))
