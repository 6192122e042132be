"""OLMoE (Muennighoff et al. 2024): norms over all queries and all keys, experts in every layer."""

from dataclasses import dataclass

from tabulae.program.architectures import _experts, _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._experts import Mixture, expert_block, expert_values
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder

GGUF: Patterns = {**_gguf.NORMED, **_experts.GGUF}


@dataclass(frozen=True)
class Config:
    """Sizes, biases and experts."""

    decoder: Sizes
    bias: bool  # on q, k, v and the output
    experts: Mixture


def _from_gguf(source: Source) -> Config:
    """Shares are not normalised there."""
    return Config(_gguf.decoder(source), False, _experts.from_gguf(source, False))


def _from_huggingface(source: Source) -> Config:
    sizes = _huggingface.decoder(source, _experts.HUGGINGFACE)
    experts = _experts.from_huggingface(source.metadata, "intermediate_size")
    return Config(sizes, flag(source.metadata, "attention_bias"), experts)


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    sizes, bias = config.decoder, config.bias
    return program_of(
        sizes,
        lambda layer: expert_block(layer, sizes, config.experts, bias=bias, norms=True),
        values=expert_values(config.experts, sizes.hidden),
    )


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("olmoe", _from_gguf, GGUF),
        _experts.huggingface("olmoe", _from_huggingface, neutral={"clip_qkv": (None,)}),
    ),
)
