"""The sizes that llama and its relatives share."""

from dataclasses import dataclass

from tabulae.arithmetic.activation_functions import Activation
from tabulae.errors import ModelError
from tabulae.program.architectures._rope import Frequencies

EMBEDDING = "model.embed_tokens.weight"


@dataclass(frozen=True)
class Sizes:
    """A decoder with rotary positions and gated linears: llama and its relatives."""

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


def kv_heads(heads: int, kv_heads: int) -> int:
    """The number of key and value heads, each shared by equally many query heads."""
    if heads % kv_heads:
        raise ModelError(
            "config", "the number of heads must be a multiple of that of key-value heads", (heads, kv_heads)
        )
    return kv_heads
