"""The sizes that decoders share."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from tabulae.arithmetic.activation_functions import Activation
from tabulae.errors import ModelError
from tabulae.program.architectures._fields import columns_per_head
from tabulae.program.architectures._rope import STILL, Frequencies

EMBEDDING = "model.embed_tokens.weight"


class Biases(NamedTuple):
    """Which linears of a block have one."""

    qkv: bool = False
    out: bool = False  # of attention
    mlp: bool = False

    @classmethod
    def of(cls, attention: bool, mlp: bool = False) -> Self:
        """All linears of attention, or none, and of the mlp."""
        return cls(attention, attention, mlp)

    @classmethod
    def all(cls, there: bool = True) -> Self:
        """All linears, or none."""
        return cls(there, there, there)


NO_BIASES = Biases()
Windows = tuple[int | None, ...]  # of every layer


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
    bias: Biases = NO_BIASES
    windows: Windows = ()  # of attention; empty where no layer has one


def sizes_of(config: Any) -> Sizes:
    """Those of a configuration, which are it or its ``decoder``."""
    found: Sizes = getattr(config, "decoder", config)
    return found


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
    bias: Biases,
) -> Sizes:
    """Where every head has keys and values of its own, and none turns."""
    head = columns_per_head(hidden, heads)
    first = (layers, hidden, intermediate, heads, heads, head)
    return Sizes(*first, vocabulary, context, eps, STILL, activation, tied, bias)


def kv_heads(heads: int, kv_heads: int) -> int:
    """The number of key and value heads, each shared by equally many query heads."""
    if heads % kv_heads:
        raise ModelError(
            "config", "the number of heads must be a multiple of that of key-value heads", (heads, kv_heads)
        )
    return kv_heads
