"""Mistral (Jiang et al. 2023): llama with a sliding window in all layers; its GGUF files call themselves llama."""

from dataclasses import dataclass

from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Decoder
from tabulae.program.architectures._origin import Source
from tabulae.program.operations import AnyOperation, Embed, Program


@dataclass(frozen=True)
class Config:
    """Sizes, and the window of all layers."""

    decoder: Decoder
    window: int | None


def read(source: Source) -> Config:
    """From config.json."""
    return Config(_huggingface.decoder(source, _huggingface.LLAMA), _huggingface.window(source.metadata, default=4096))


def program(config: Config) -> Program:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    body: list[AnyOperation] = [Embed(EMBEDDING, "x")]
    for layer in range(config.decoder.layers):
        body += pre_norm_block(layer, config.decoder, window=config.window)
    return rotary_program(body, config.decoder)


ARCHITECTURE = Architecture(program, (_huggingface.huggingface(("mistral",), read, _huggingface.LLAMA),))
