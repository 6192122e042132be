"""Pieces that decoders share: attention, mlps, norms and blocks of them; values x (residual) and h (in and out)."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import TypedDict, Unpack

import numpy as np

from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._rope import Frequencies
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm

INV_FREQ = "inv_freq"


def linear(module: str, out: str, bias: bool) -> Linear:
    """The linear of a module with ``.weight`` and perhaps ``.bias``."""
    return Linear(f"{module}.weight", out, f"{module}.bias" if bias else None)


def scale_of(columns: float) -> float:
    """The attention scale ``columns^-0.5`` as a float32 value."""
    return float(np.float32(1 / sqrt(columns)))


class Turns(TypedDict, total=False):
    """How the attention of one layer differs from llama's."""

    linears: tuple[str, ...]  # modules of q, k, v and the output
    input: str  # buffer
    norms: bool  # of queries and keys, before they turn
    turn: Frequencies
    inv_freq: str  # the name of the rotation's constant
    scale: float
    slopes: str  # a constant of ALiBi
    cap: float | None  # of scores


def self_attention(at: str, layer: int, config: Sizes, **more: Unpack[Turns]) -> list[Operation]:
    """h -> h: q, k, v, their norms, rotation, attention, output."""
    head, turn, bias = config.head, more.get("turn", config.turn), config.bias
    *qkv, out = more.get("linears", tuple(f"{at}.{part}_proj" for part in "qkvo"))
    projected = tuple(linear(name, part, bias.qkv) for name, part in zip(qkv, "qkv", strict=True))
    norms = [rms_norm(f"{at}.{name}_norm", name, name, config.eps) for name in "qk"]
    scale, window = more.get("scale", scale_of(head)), config.windows[layer] if config.windows else None
    slopes, cap = more.get("slopes"), more.get("cap")
    return [
        Project(more.get("input", "h"), projected),
        *(norms if more.get("norms") else []),
        *(turn.rotary(value, head, more.get("inv_freq", INV_FREQ)) for value in "qk" if turn),
        Attention("q", "k", "v", "a", *kept(layer), config.heads, config.kv_heads, head, scale, window, slopes, cap),
        Project("a", (linear(out, "h", bias.out),)),
    ]


def gated_mlp(at: str, config: Sizes, input: str = "h", out: str = "h") -> list[Operation]:
    """h -> h: ``down(fn(gate h) * up h)``."""
    bias = config.bias.mlp
    return [
        Project(input, (linear(f"{at}.gate_proj", "gate", bias), linear(f"{at}.up_proj", "up", bias))),
        Gate(config.activation, "gate", "up", "m"),
        Project("m", (linear(f"{at}.down_proj", out, bias),)),
    ]


class Places(TypedDict, total=False):
    """Which values an mlp uses."""

    input: str
    out: str
    hidden: tuple[str, str]  # before and behind the activation function


def plain_mlp(up: str, down: str, config: Sizes, **places: Unpack[Places]) -> list[Operation]:
    """h -> h: ``down(fn(up h))``, by modules."""
    bias, (before, behind) = config.bias.mlp, places.get("hidden", ("up", "m"))
    return [
        Project(places.get("input", "h"), (linear(up, before, bias),)),
        Activate(config.activation, before, behind),
        Project(behind, (linear(down, places.get("out", "h"), bias),)),
    ]


def rms_norm(module: str, input: str, out: str, eps: float) -> RMSNorm:
    """The RMS norm of a module."""
    return RMSNorm(f"{module}.weight", input, out, eps)


def layer_norm(module: str, input: str, out: str, eps: float, bias: bool = True) -> LayerNorm:
    """The layer norm of a module with ``.weight`` and perhaps ``.bias``."""
    return LayerNorm(f"{module}.weight", f"{module}.bias" if bias else None, input, out, eps)


Norm = Callable[[str, str, str, float], Operation]  # of module, input, output, eps


def residual(*half: Operation, out: str = "h") -> list[Operation]:
    """``x += half``, of which ``out`` is what comes out."""
    return [*half, Add("x", out, "x")]


def parallel_residual(*halves: Operation) -> list[Operation]:
    """``x += attention + mlp``: side by side, they leave h and n."""
    return [*halves, Add("n", "h", "h"), Add("x", "h", "x")]


def pre_norm_block(
    layer: int,
    config: Sizes,
    mlp: Sequence[Operation] | None = None,
    norm: Norm = rms_norm,
    **attention: Unpack[Turns],
) -> list[Operation]:
    """``x += attention(norm x); x += mlp(norm x)``, h -> h by ``mlp`` if that is not gated linears."""
    at = f"model.layers.{layer}"
    if mlp is None:
        mlp = gated_mlp(f"{at}.mlp", config)
    first, second = (norm(f"{at}.{place}_layernorm", "x", "h", config.eps) for place in ("input", "post_attention"))
    return [
        *residual(first, *self_attention(f"{at}.self_attn", layer, config, **attention)),
        *residual(second, *mlp),
    ]


def sandwich_norm_block(layer: int, config: Sizes, **attention: Unpack[Turns]) -> list[Operation]:
    """``x += norm(attention(norm x)); x += norm(mlp(norm x))``."""
    at = f"model.layers.{layer}"

    def norm(place: str, input: str) -> Operation:
        return rms_norm(f"{at}.{place}_layernorm", input, "h", config.eps)

    halves = self_attention(f"{at}.self_attn", layer, config, **attention), gated_mlp(f"{at}.mlp", config)
    return [
        *residual(norm("input", "x"), *halves[0], norm("post_attention", "h")),
        *residual(norm("pre_feedforward", "x"), *halves[1], norm("post_feedforward", "h")),
    ]
