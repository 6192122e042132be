"""GPT-NeoX (Black et al. 2022) and Pythia: layer norms, GELU, a quarter of every head turns, halves side by side.

Its layers are those of Megatron-LM.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import parallel_residual, residual
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import first, flag, integer, over
from tabulae.program.architectures._megatron import NORMS, Megatron
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

MODULES = Megatron("gpt_neox.embed_in", "gpt_neox.layers.{}", "attention", "gpt_neox.final_layer_norm")
HUGGINGFACE = Names(MODULES.huggingface(), {"gpt_neox.": ("",), "lm_head.": ("embed_out.",)})
IGNORED = ("*.attention.bias", "*.attention.masked_bias", "embed_out.weight")
QUARTER = 0.25


@dataclass(frozen=True)
class Config:
    """Sizes, and whether both halves of a block are side by side."""

    decoder: Sizes
    parallel: bool


def _from_gguf(source: Source) -> Config:
    sizes = _gguf.decoder(source, "gelu", eps="layer_norm_epsilon")
    parallel = flag(source.metadata, "gptneox.use_parallel_residual", default=True)
    return Config(_biased(sizes, "blk.0.attn_qkv.bias" in source.names), parallel)


def _from_huggingface(source: Source) -> Config:
    meta = over(_older(source.metadata), source.metadata)
    turns = _huggingface.rope(meta, integer(meta, "max_position_embeddings"))
    tied = _huggingface.is_tied(source, HUGGINGFACE, meta, False, MODULES.embedding)
    sizes = _huggingface.sizes(meta, turns, tied, rotary=QUARTER, eps="layer_norm_eps")
    attention, parallel = (flag(meta, key, default=True) for key in ("attention_bias", "use_parallel_residual"))
    return Config(_biased(sizes, attention), parallel)


def _biased(sizes: Sizes, attention: bool) -> Sizes:
    return replace(sizes, bias=Biases.of(attention, True))


def _older(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The two keys of the rotation that go by other names up to transformers 4."""
    spellings = {"rope_theta": "rotary_emb_base", "partial_rotary_factor": "rotary_pct"}
    found = {name: first(meta, (name, older)) for name, older in spellings.items()}
    return {name: value for name, value in found.items() if value is not None}


def program(config: Config) -> Decoder:
    """``x += attention(norm x) + mlp(norm x)``, or one half after the other."""
    return MODULES.program(config.decoder, lambda layer: _block(layer, config))


def _block(layer: int, config: Config) -> list[Operation]:
    sizes, out = config.decoder, "n" if config.parallel else "h"
    attention, mlp = MODULES.self_attention(layer, sizes), MODULES.mlp(layer, sizes, input=out, out=out)
    first, second = (MODULES.layer_norm(layer, name, sizes, at) for name, at in zip(NORMS, ("h", out), strict=True))
    if config.parallel:
        return parallel_residual(first, second, *attention, *mlp)
    return [*residual(first, *attention), *residual(second, *mlp)]


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gptneox", _from_gguf, MODULES.gguf()),
        _huggingface.huggingface(("gpt_neox",), _from_huggingface, HUGGINGFACE, ignored=IGNORED),
    ),
)
