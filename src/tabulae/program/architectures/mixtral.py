"""Mixtral (Jiang et al. 2024): Mistral, its gated mlps two of eight by the position.

In GGUF files it is called llama, as what has no experts is: only folders are read.
"""

from dataclasses import dataclass

from tabulae.program.architectures import _experts, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._experts import EXPERT, Mixture, expert_block, expert_values
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder

MIXTURE = "model.layers.{}.block_sparse_moe."
HUGGINGFACE = Names(
    {
        "model.layers.{}.mlp.gate": f"{MIXTURE}gate",
        f"{EXPERT}gate_proj": f"{MIXTURE}experts.{{}}.w1",
        f"{EXPERT}up_proj": f"{MIXTURE}experts.{{}}.w3",
        f"{EXPERT}down_proj": f"{MIXTURE}experts.{{}}.w2",
    },
    _huggingface.LLAMA.prefixes,
    {"model.layers.{}.mlp.gate.weight": "model.layers.{}.mlp.gate.weight", **_experts.STACKED},
)
JITTER = "router_jitter_noise"


@dataclass(frozen=True)
class Config:
    """Sizes, experts and the window of all layers."""

    decoder: Sizes
    experts: Mixture
    window: int | None


def _from_huggingface(source: Source) -> Config:
    """Shares are normalised, whatever config.json says."""
    sizes = _huggingface.decoder(source, HUGGINGFACE)
    experts = _experts.from_huggingface(source.metadata, "intermediate_size", normalise=True)
    return Config(sizes, experts, _huggingface.window(source.metadata))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    sizes = config.decoder
    return program_of(
        sizes,
        lambda layer: expert_block(layer, sizes, config.experts, window=config.window),
        values=expert_values(config.experts, sizes.hidden),
    )


ARCHITECTURE = Architecture(
    program,
    (
        _huggingface.huggingface(
            ("mixtral",), _from_huggingface, HUGGINGFACE, harmless={"training alone": f"{_experts.TRAINING} {JITTER}"}
        ),
    ),
)
