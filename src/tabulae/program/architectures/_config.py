"""The sizes that decoders share."""

from dataclasses import dataclass

from tabulae.arithmetic.activation_functions import Activation
from tabulae.errors import ModelError
from tabulae.program.architectures._fields import columns_per_head
from tabulae.program.architectures._rope import STILL, Frequencies

EMBEDDING = "model.embed_tokens.weight"


@dataclass(frozen=True)
class Sizes:
    """A decoder; most have rotary positions and gated linears."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head: int  # columns per head
    vocabulary: int
    context: int
    eps: float
    turn: Frequencies
    activation: Activation
    tied: bool  # the head is the embedding


def plain_sizes(
    *,
    layers: int,
    hidden: int,
    intermediate: int,
    heads: int,
    vocabulary: int,
    context: int,
    eps: float,
    activation: Activation,
    tied: bool,
) -> Sizes:
    """Where every head has keys and values of its own, and none turns."""
    return Sizes(
        *(layers, hidden, intermediate, heads, heads, columns_per_head(hidden, heads)),
        *(vocabulary, context, eps, STILL, activation, tied),
    )


def kv_heads(heads: int, kv_heads: int) -> int:
    """The number of key and value heads, each shared by equally many query heads."""
    if heads % kv_heads:
        raise ModelError(
            "config", "the number of heads must be a multiple of that of key-value heads", (heads, kv_heads)
        )
    return kv_heads
