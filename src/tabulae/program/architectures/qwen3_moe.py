"""Qwen3 with mixtures of experts (Yang et al. 2025): Qwen 3, its gated mlps one of many by the position."""

from dataclasses import dataclass

from tabulae.errors import ModelError
from tabulae.program.architectures import _experts, _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import Turns, pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._experts import Mixture, expert_block, expert_values
from tabulae.program.architectures._fields import flag, integer
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

GGUF: Patterns = {**_gguf.NORMED, **_experts.GGUF}


@dataclass(frozen=True)
class Config:
    """Sizes, biases, experts and the layers that have some."""

    decoder: Sizes
    bias: bool  # on q, k, v and the output
    experts: Mixture
    mixed: tuple[bool, ...]
    window: int | None


def _from_gguf(source: Source) -> Config:
    """Every layer has experts there, and shares are normalised."""
    sizes = _gguf.decoder(source)
    return Config(sizes, False, _experts.from_gguf(source, True), (True,) * sizes.layers, None)


def _from_huggingface(source: Source) -> Config:
    """Experts in every ``decoder_sparse_step``-th layer, but for those that are named."""
    sizes, meta = _huggingface.decoder(source, _experts.HUGGINGFACE), source.metadata
    experts = _experts.from_huggingface(meta, "moe_intermediate_size")
    step, plain = integer(meta, "decoder_sparse_step", default=1), meta.get("mlp_only_layers") or []
    if not isinstance(plain, list) or not all(isinstance(layer, int) for layer in plain):
        raise ModelError("mlp_only_layers", "it must be a list of layers", repr(plain))
    mixed = tuple(layer not in plain and (layer + 1) % step == 0 for layer in range(sizes.layers))
    window = _huggingface.window(meta, 4096) if flag(meta, "use_sliding_window") else None
    return Config(sizes, flag(meta, "attention_bias"), experts, mixed, window)


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    sizes, bias = config.decoder, config.bias
    same: Turns = {"bias": bias, "norms": True, "window": config.window}

    def block(layer: int) -> list[Operation]:
        mixed = config.mixed[layer]
        return expert_block(layer, sizes, config.experts, **same) if mixed else pre_norm_block(layer, sizes, **same)

    return program_of(sizes, block, values=expert_values(config.experts, sizes.hidden))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("qwen3moe", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _experts.huggingface("qwen3_moe", _from_huggingface, neutral={"use_mrope": (False,)}),
    ),
)
