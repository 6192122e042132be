"""Mixtral (Jiang et al. 2024): Mistral, its gated mlps two of eight by the position.

In GGUF files it is called llama, as what has no experts is: only folders are read.
"""

from dataclasses import replace

from tabulae.program.architectures import _experts, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._experts import EXPERT, Mixed, program_with_experts
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Source
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


def _from_huggingface(source: Source) -> Mixed:
    """Shares are normalised, whatever config.json says."""
    sizes = _huggingface.decoder(source, HUGGINGFACE)
    experts = _experts.from_huggingface(source.metadata, "intermediate_size", normalise=True)
    return Mixed(replace(sizes, windows=_huggingface.one_window(source.metadata, sizes.layers)), experts)


def program(config: Mixed) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    return program_with_experts(config)


ARCHITECTURE = Architecture(
    program,
    (
        _huggingface.huggingface(
            ("mixtral",), _from_huggingface, HUGGINGFACE, harmless={"training alone": f"{_experts.TRAINING} {JITTER}"}
        ),
    ),
)
