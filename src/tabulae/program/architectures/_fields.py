"""Reading single fields of a configuration, typed and limited, with errors that name the key."""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.errors import ModelError

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


def integer(meta: Mapping[str, Any], *keys: str, default: int | None = None, least: int = 1, most: int = SIZE) -> int:
    """The integer in ``least``..``most`` under the first of ``keys`` that is there and not null.

    >>> integer({"n_head": 12}, "num_attention_heads", "n_head")
    12
    """
    value = first(meta, keys, default)
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not least <= value <= most:
        raise ModelError(
            keys[0], f"the configuration must hold an integer in {least}..{most}", repr(value), _way_out(value)
        )
    return int(value)


def _way_out(value: object) -> str:
    return "add it" if value is None else ""


def columns_per_head(hidden: int, heads: int) -> int:
    """How many columns each head has; a width that heads do not divide is refused."""
    if hidden % heads:
        raise ModelError("config", "the heads must divide the hidden size", f"{heads} heads for {hidden} columns")
    return hidden // heads


def number(meta: Mapping[str, Any], *keys: str, default: float | None = None) -> float:
    """The finite positive number under the first of ``keys`` that is there and not null."""
    value = first(meta, keys, default)
    if not isinstance(value, int | float | np.number) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise ModelError(keys[0], "the configuration must hold a positive number", repr(value), _way_out(value))
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


def over(*records: Mapping[str, Any]) -> Mapping[str, Any]:
    """Records one over another: a key is read in the first that has it."""
    return ChainMap(*records)  # type: ignore[arg-type]  # nothing is written


def first(meta: Mapping[str, Any], keys: tuple[str, ...], default: object = None) -> Any:
    """The value under the first of ``keys`` that is there and not null, else ``default``; all of them are read.

    :raises ModelError: two of them, spellings of one thing, differ
    """
    found = {key: value for key in keys if (value := meta.get(key)) is not None}
    values = list(found.values())
    if any(value != values[0] for value in values[1:]):
        got = ", ".join(f"{key} = {value!r}" for key, value in found.items())
        raise ModelError(keys[0], "spellings of one key must agree", got, "leave one out: --ignore-key KEY")
    return values[0] if values else default


def flag(meta: Mapping[str, Any], key: str, default: bool = False) -> bool:
    """Whether ``key`` is true; absent and null are the default."""
    value = first(meta, (key,), default)
    if not isinstance(value, bool | int):
        raise ModelError(key, "the configuration must hold true or false", repr(value))
    return bool(value)
