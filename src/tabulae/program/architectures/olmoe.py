"""OLMoE (Muennighoff et al. 2024): norms over all queries and all keys, experts in every layer."""

from dataclasses import replace

from tabulae.program.architectures import _experts, _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._config import Biases
from tabulae.program.architectures._experts import Mixed, program_with_experts
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder

GGUF: Patterns = {**_gguf.NORMED, **_experts.GGUF}


def _from_gguf(source: Source) -> Mixed:
    """Shares are not normalised there."""
    return Mixed(_gguf.decoder(source), _experts.from_gguf(source, False))


def _from_huggingface(source: Source) -> Mixed:
    sizes, bias = _huggingface.decoder(source, _experts.HUGGINGFACE), flag(source.metadata, "attention_bias")
    experts = _experts.from_huggingface(source.metadata, "intermediate_size")
    return Mixed(replace(sizes, bias=Biases.of(bias)), experts)


def program(config: Mixed) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    return program_with_experts(config, norms=True)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("olmoe", _from_gguf, GGUF),
        _experts.huggingface("olmoe", _from_huggingface, neutral={"clip_qkv": (None,)}),
    ),
)
