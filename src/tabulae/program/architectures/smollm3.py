"""SmolLM3 (Bakouch et al. 2025): llama in which queries and keys of every fourth layer do not turn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tabulae.errors import ModelError
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Biases, Sizes, Windows
from tabulae.program.architectures._fields import flag, integer
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.architectures._rope import STILL
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

INTERVAL = 4
THETA = 2000000.0


@dataclass(frozen=True)
class Config:
    """Sizes, and of every layer whether it turns."""

    decoder: Sizes
    turns: tuple[bool, ...]


def _from_gguf(source: Source) -> Config:
    """Converters write neither biases nor windows, and have no key for which layers turn."""
    sizes = _gguf.decoder(source)
    return Config(sizes, _every(sizes.layers, INTERVAL))


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    sizes = _huggingface.decoder(source, _huggingface.LLAMA, tied=True, theta=THETA)
    turns, attention = _turns(meta, sizes.layers), flag(meta, "attention_bias")
    bias = Biases.of(attention, flag(meta, "mlp_bias"))
    return Config(replace(sizes, bias=bias, windows=_windows(meta, turns)), turns)


def _turns(meta: Mapping[str, Any], layers: int) -> tuple[bool, ...]:
    """``no_rope_layers`` says 1 of those that do turn."""
    interval = integer(meta, "no_rope_layer_interval", default=INTERVAL)
    said = meta.get("no_rope_layers")
    if said is None:
        return _every(layers, interval)
    if not isinstance(said, list) or len(said) != layers or any(value not in (0, 1) for value in said):
        raise ModelError("no_rope_layers", f"there must be a 0 or a 1 for each of {layers} layers", repr(said))
    return tuple(map(bool, said))


def _every(layers: int, interval: int) -> tuple[bool, ...]:
    return tuple((layer + 1) % interval != 0 for layer in range(layers))


def _windows(meta: Mapping[str, Any], turns: tuple[bool, ...]) -> Windows:
    """Where windows are in use, only layers that do not turn have one."""
    size = meta.get("sliding_window") if flag(meta, "use_sliding_window") else None
    if size is None:
        meta.get("layer_types")  # says nothing then
        return ()
    kinds = {"layer_types": meta.get("layer_types"), "sliding_window": size}
    return _huggingface.windows(kinds, len(turns), lambda layer: not turns[layer])


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes = config.decoder

    def block(layer: int) -> list[Operation]:
        return pre_norm_block(layer, sizes, turn=sizes.turn if config.turns[layer] else STILL)

    return program_of(sizes, block)


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("smollm3", _from_gguf, _gguf.INTERLEAVED, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(
            ("smollm3",), _from_huggingface, _huggingface.LLAMA, harmless={"nothing reads it": "pretraining_tp"}
        ),
    ),
)
