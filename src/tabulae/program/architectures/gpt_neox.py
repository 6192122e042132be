"""GPT-NeoX (Black et al. 2022) and Pythia: layer norms, GELU, a quarter of every head turns, halves side by side.

Its layers are those of Megatron-LM.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, parallel_residual, residual
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import first, flag, integer, over
from tabulae.program.architectures._megatron import Megatron
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

EMBEDDING = "gpt_neox.embed_in.weight"
LAYER = Megatron("gpt_neox.layers.{}", "attention")
GGUF: Patterns = {
    "gpt_neox.embed_in": "token_embd",
    **LAYER.gguf(),
    "gpt_neox.final_layer_norm": "output_norm",
    "lm_head": "output",
}
HUGGINGFACE = Names(LAYER.huggingface(), {"gpt_neox.": ("",), "lm_head.": ("embed_out.",)})
IGNORED = ("*.attention.bias", "*.attention.masked_bias", "embed_out.weight")
QUARTER = 0.25


@dataclass(frozen=True)
class Config:
    """Sizes, whether attention has biases, and whether both halves of a block are side by side."""

    decoder: Sizes
    bias: bool
    parallel: bool


def _from_gguf(source: Source) -> Config:
    sizes = _gguf.decoder(source, "gelu", eps="layer_norm_epsilon")
    parallel = flag(source.metadata, "gptneox.use_parallel_residual", default=True)
    return Config(sizes, "blk.0.attn_qkv.bias" in source.names, parallel)


def _from_huggingface(source: Source) -> Config:
    meta = over(_older(source.metadata), source.metadata)
    turns = _huggingface.rope(meta, integer(meta, "max_position_embeddings"))
    tied = _huggingface.is_tied(source, HUGGINGFACE, meta, False, EMBEDDING)
    sizes = _huggingface.sizes(meta, turns, tied, rotary=QUARTER, eps="layer_norm_eps")
    return Config(sizes, flag(meta, "attention_bias", default=True), flag(meta, "use_parallel_residual", default=True))


def _older(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The two keys of the rotation that go by other names up to transformers 4."""
    spellings = {"rope_theta": "rotary_emb_base", "partial_rotary_factor": "rotary_pct"}
    found = {name: first(meta, (name, older)) for name, older in spellings.items()}
    return {name: value for name, value in found.items() if value is not None}


def program(config: Config) -> Decoder:
    """``x += attention(norm x) + mlp(norm x)``, or one half after the other."""
    norm = layer_norm("gpt_neox.final_layer_norm", "last", "last", config.decoder.eps)
    return program_of(config.decoder, lambda layer: _block(layer, config), embedding=EMBEDDING, norm=norm)


def _block(layer: int, config: Config) -> list[Operation]:
    sizes, out = config.decoder, "n" if config.parallel else "h"
    attention = LAYER.self_attention(layer, sizes, bias=config.bias)
    mlp = LAYER.mlp(layer, sizes, True, input=out, out=out)
    first, second = (
        LAYER.norm(layer, "input_layernorm", sizes),
        LAYER.norm(layer, "post_attention_layernorm", sizes, out),
    )
    if config.parallel:
        return parallel_residual(first, second, *attention, *mlp)
    return [*residual(first, *attention), *residual(second, *mlp)]


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("gptneox", _from_gguf, GGUF),
        _huggingface.huggingface(("gpt_neox",), _from_huggingface, HUGGINGFACE, ignored=IGNORED),
    ),
)
