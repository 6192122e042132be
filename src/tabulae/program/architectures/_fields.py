"""Reading single fields of a configuration, typed and limited, with errors that name the key."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tabulae.errors import ModelError
from tabulae.program.architectures._origin import Source
from tabulae.program.operations import Activation

SIZE = 1 << 26  # the most that any size may claim: a lying header must not cost memory before tensors are checked
LAYERS = 1 << 12
ACTIVATIONS: Mapping[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}


def integer(meta: Mapping[str, Any], *keys: str, default: int | None = None, most: int = SIZE) -> int:
    """The integer in 1..``most`` under the first of ``keys`` that is there and not null.

    >>> integer({"n_head": 12}, "num_attention_heads", "n_head")
    12
    """
    value = first(meta, keys, default)
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 0 < value <= most:
        raise ModelError(keys[0], f"the configuration must hold an integer in 1..{most}", repr(value))
    return int(value)


def columns_per_head(hidden: int, heads: int) -> int:
    """How many columns each head has; a width that heads do not divide is refused."""
    if hidden % heads:
        raise ModelError("config", "the heads must divide the hidden size", f"{heads} heads for {hidden} columns")
    return hidden // heads


def number(meta: Mapping[str, Any], *keys: str, default: float | None = None) -> float:
    """The finite positive number under the first of ``keys`` that is there and not null."""
    value = first(meta, keys, default)
    if not isinstance(value, int | float | np.number) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise ModelError(keys[0], "the configuration must hold a positive number", repr(value))
    return float(value)


def activation(meta: Mapping[str, Any], *keys: str, default: str | None = None) -> Activation:
    """Our name of the activation function under the first of ``keys``."""
    value = first(meta, keys, default)
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise ModelError(keys[0], "the activation function must be known", value, f"accepted: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[value]


def record(meta: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The nested record under the first of ``keys`` that is there and not null, else an empty one."""
    value = first(meta, keys, {})
    if not isinstance(value, Mapping):
        raise ModelError(keys[0], "the configuration must hold a record", repr(value))
    return value


def first(meta: Mapping[str, Any], keys: tuple[str, ...], default: object = None) -> Any:
    """The value under the first of ``keys`` that is there and not null, else ``default``."""
    return next((meta[key] for key in keys if meta.get(key) is not None), default)


def refuse(meta: Mapping[str, Any], **accepted: object) -> None:
    """Refuse what is configured to anything but these values (absent and null pass): things we do not compute."""
    for key, value in accepted.items():
        if meta.get(key) is not None and meta[key] != value:
            raise ModelError(key, f"only {value!r} is supported", repr(meta[key]))


def tied(source: Source, head: str) -> bool:
    """Whether a Hugging Face model's head is its embedding; where config.json is silent, whether ``head`` is absent."""
    value = source.metadata.get("tie_word_embeddings")
    return head not in source.names if value is None else bool(value)


def gguf_vocabulary(source: Source) -> int:
    """Rows of a GGUF embedding: its metadata need not say it."""
    if "token_embd.weight" not in source.names:
        raise ModelError("tensors", "every tensor of the architecture must be there", "missing: token_embd.weight")
    return source.shape("token_embd.weight")[0]
