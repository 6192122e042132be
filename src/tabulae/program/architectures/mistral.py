"""Mistral (Jiang et al. 2023): llama with a sliding window in all layers; its GGUF files call themselves llama."""

from dataclasses import dataclass

from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.embed import Embed


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
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer in range(config.decoder.layers):
        body += pre_norm_block(layer, config.decoder, window=config.window)
    return rotary_program(body, config.decoder)


ARCHITECTURE = Architecture(program, (_huggingface.huggingface(("mistral",), read, _huggingface.LLAMA),))
