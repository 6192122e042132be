"""Mixtures of experts in place of a gated mlp: sizes, operations, and how sources keep the experts of a layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.arithmetic.arrays import Int64s
from tabulae.errors import ModelError
from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Reading
from tabulae.program.architectures._blocks import Turns, pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import flag, integer
from tabulae.program.architectures._keys import Neutral
from tabulae.program.architectures._names import Names, Patterns, Stored
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.combine import Combine
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.project_routed import Experts, ProjectRouted
from tabulae.program.ops.route import Route
from tabulae.program.value import Int, Value


@dataclass(frozen=True)
class Mixture:
    """The experts of one layer."""

    count: int
    top: int  # chosen for a position
    width: int  # hidden units of each
    normalise: bool  # shares of those chosen add up to 1
    plain: frozenset[int] = frozenset()  # layers that have a gated mlp and no experts


@dataclass(frozen=True)
class Mixed:
    """A configuration: sizes and experts."""

    decoder: Sizes
    experts: Mixture


def _half(second: bool) -> Callable[[Any], Int64s]:
    """The rows of gate or up where a matrix holds first the one, then the other."""

    def rows(config: Any) -> Int64s:
        width: int = config.experts.width
        return np.arange(width) + second * width

    return rows


EXPERT = "model.layers.{}.mlp.experts.{}."
# transformers 5 keeps experts so in memory, and some checkpoints are saved so: [experts, gate and up, columns].
STACKED: Patterns = {
    f"{EXPERT}gate_proj.weight": Stored("model.layers.{}.mlp.experts.gate_up_proj", stacked=True, rows=_half(False)),
    f"{EXPERT}up_proj.weight": Stored("model.layers.{}.mlp.experts.gate_up_proj", stacked=True, rows=_half(True)),
    f"{EXPERT}down_proj.weight": Stored("model.layers.{}.mlp.experts.down_proj", stacked=True),
}
GGUF: Patterns = {
    "model.layers.{}.mlp.gate": "blk.{}.ffn_gate_inp",
    f"{EXPERT}gate_proj": Stored("blk.{}.ffn_gate_exps", stacked=True),
    f"{EXPERT}up_proj": Stored("blk.{}.ffn_up_exps", stacked=True),
    f"{EXPERT}down_proj": Stored("blk.{}.ffn_down_exps", stacked=True),
}
TRAINING = "output_router_logits router_aux_loss_coef"
HUGGINGFACE = Names(prefixes=_huggingface.LLAMA.prefixes, others=STACKED)


def huggingface(family: str, read: Callable[[Source], Any], neutral: Neutral) -> Reading:
    """How folders are read whose experts are called as transformers 5 calls them."""
    harmless = {"training alone": TRAINING}
    return _huggingface.huggingface((family,), read, HUGGINGFACE, harmless=harmless, neutral=neutral)


def from_gguf(source: Source, normalise: bool) -> Mixture:
    """From the ``expert_*`` keys; whether shares are normalised stands in no key."""
    meta = source.metadata
    arch = meta["general.architecture"]
    count, top = (integer(meta, f"{arch}.{key}") for key in ("expert_count", "expert_used_count"))
    width = integer(meta, f"{arch}.expert_feed_forward_length", default=integer(meta, f"{arch}.feed_forward_length"))
    return _checked(Mixture(count, top, width, normalise))


def from_huggingface(meta: Mapping[str, Any], width: str, normalise: bool | None = None) -> Mixture:
    """``width``: the key of hidden units; ``normalise`` where no key says it."""
    normalise = flag(meta, "norm_topk_prob") if normalise is None else normalise
    return _checked(
        Mixture(
            integer(meta, "num_experts", "num_local_experts"),
            integer(meta, "num_experts_per_tok"),
            integer(meta, width),
            normalise,
        )
    )


def _checked(experts: Mixture) -> Mixture:
    if experts.top > experts.count:
        raise ModelError("experts", f"at most all {experts.count} can be chosen", experts.top)
    return experts


def expert_mlp(at: str, experts: Mixture, fn: Activation) -> list[Operation]:
    """h -> h: the shares of experts, times ``down(fn(gate h) * up h)`` of each of those chosen, added up."""
    gate, up, down = (
        tuple(f"{at}.experts.{expert}.{part}_proj.weight" for expert in range(experts.count))
        for part in ("gate", "up", "down")
    )
    return [
        Route(f"{at}.gate.weight", "h", "chosen", "shares", experts.top, experts.normalise),
        ProjectRouted("h", "chosen", (Experts(gate, "gates"), Experts(up, "ups"))),
        Gate(fn, "gates", "ups", "ms"),
        ProjectRouted("ms", "chosen", (Experts(down, "hs"),)),
        Combine("hs", "shares", "h"),
    ]


def program_with_experts(config: Mixed, **attention: Unpack[Turns]) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    sizes, experts = config.decoder, config.experts

    def block(layer: int) -> list[Operation]:
        mlp = None if layer in experts.plain else expert_mlp(f"model.layers.{layer}.mlp", experts, sizes.activation)
        return pre_norm_block(layer, sizes, mlp=mlp, **attention)

    return program_of(sizes, block, values=expert_values(experts, sizes.hidden))


def expert_values(experts: Mixture, hidden: int) -> dict[str, int | Value]:
    """The values of :func:`expert_mlp` beside h."""
    wide = Value(("positions", experts.top, experts.width))
    return {
        "chosen": Value(("positions", experts.top), Int(0, experts.count - 1)),
        "shares": Value(("positions", experts.top)),
        **dict.fromkeys(("gates", "ups", "ms"), wide),
        "hs": Value(("positions", experts.top, hidden)),
    }
