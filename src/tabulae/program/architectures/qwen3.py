"""Qwen3, dense (Yang et al. 2025): llama with an RMS norm on every q and k head."""

from dataclasses import replace

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder


def _from_gguf(source: Source) -> Sizes:
    """Converters know neither biases nor windows."""
    return _gguf.decoder(source)


def _from_huggingface(source: Source) -> Sizes:
    """The width of a head does not follow from hidden_size."""
    sizes, meta = _huggingface.decoder(source, _huggingface.LLAMA, head=128), source.metadata
    bias = flag(meta, "attention_bias")
    return replace(sizes, bias=Biases.of(bias), windows=_huggingface.late_windows(meta, sizes.layers))


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes, norms=True))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("qwen3", _from_gguf, _gguf.NORMED, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(("qwen3",), _from_huggingface, _huggingface.LLAMA, neutral={"use_mrope": (False,)}),
    ),
)
