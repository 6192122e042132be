"""Qwen3 with mixtures of experts (Yang et al. 2025): Qwen 3, its gated mlps one of many by the position."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tabulae.errors import ModelError
from tabulae.program.architectures import _experts, _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._config import Biases
from tabulae.program.architectures._experts import Mixed, program_with_experts
from tabulae.program.architectures._fields import flag, integer
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder

GGUF: Patterns = {**_gguf.NORMED, **_experts.GGUF}


def _from_gguf(source: Source) -> Mixed:
    """Every layer has experts there, and shares are normalised."""
    return Mixed(_gguf.decoder(source), _experts.from_gguf(source, True))


def _from_huggingface(source: Source) -> Mixed:
    sizes, meta = _huggingface.decoder(source, _experts.HUGGINGFACE), source.metadata
    experts = replace(_experts.from_huggingface(meta, "moe_intermediate_size"), plain=_plain(meta, sizes.layers))
    windows = _huggingface.one_window(meta, sizes.layers, 4096) if flag(meta, "use_sliding_window") else ()
    bias = flag(meta, "attention_bias")
    return Mixed(replace(sizes, bias=Biases.of(bias), windows=windows), experts)


def _plain(meta: Mapping[str, Any], layers: int) -> frozenset[int]:
    """Experts are in every ``decoder_sparse_step``-th layer, but for those that are named."""
    step, named = integer(meta, "decoder_sparse_step", default=1), meta.get("mlp_only_layers") or []
    if not isinstance(named, list) or not all(isinstance(layer, int) for layer in named):
        raise ModelError("mlp_only_layers", "it must be a list of layers", repr(named))
    return frozenset(layer for layer in range(layers) if layer in named or (layer + 1) % step)


def program(config: Mixed) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    return program_with_experts(config, norms=True)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("qwen3moe", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _experts.huggingface("qwen3_moe", _from_huggingface, neutral={"use_mrope": (False,)}),
    ),
)
