"""Pieces that decoders share: attention, mlps, norms and blocks of them; values x (residual) and h (in and out)."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import TypedDict, Unpack

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
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


def linear(module: str, out: str, bias: bool = False) -> Linear:
    """The linear of a module with ``.weight`` and perhaps ``.bias``."""
    return Linear(f"{module}.weight", out, f"{module}.bias" if bias else None)


def scale_of(columns: float) -> float:
    """The attention scale ``columns^-0.5`` as a float32 value."""
    return float(np.float32(1 / sqrt(columns)))


class Turns(TypedDict, total=False):
    """How the attention of one layer differs from llama's."""

    linears: tuple[str, ...]  # modules of q, k, v and the output
    input: str  # buffer
    bias: bool  # on q, k, v and the output
    qkv_bias: bool  # where it is another
    out_bias: bool
    norms: bool  # of queries and keys, before they turn
    turn: Frequencies
    inv_freq: str  # the name of the rotation's constant
    window: int | None
    scale: float
    slopes: str  # a constant of ALiBi
    cap: float | None  # of scores


def self_attention(at: str, layer: int, config: Sizes, **more: Unpack[Turns]) -> list[Operation]:
    """h -> h: q, k, v, their norms, rotation, attention, output."""
    bias, head, turn = more.get("bias", False), config.head, more.get("turn", config.turn)
    qkv_bias, out_bias = more.get("qkv_bias", bias), more.get("out_bias", bias)
    *qkv, out = more.get("linears", tuple(f"{at}.{part}_proj" for part in "qkvo"))
    norms = [rms_norm(f"{at}.{name}_norm", name, name, config.eps) for name in "qk"]
    scale, window = more.get("scale", scale_of(head)), more.get("window")
    slopes, cap = more.get("slopes"), more.get("cap")
    return [
        Project(
            more.get("input", "h"), tuple(linear(name, part, qkv_bias) for name, part in zip(qkv, "qkv", strict=True))
        ),
        *(norms if more.get("norms") else []),
        *(turn.rotary(value, head, more.get("inv_freq", INV_FREQ)) for value in "qk" if turn),
        Attention("q", "k", "v", "a", *kept(layer), config.heads, config.kv_heads, head, scale, window, slopes, cap),
        Project("a", (linear(out, "h", out_bias),)),
    ]


def gated_mlp(at: str, fn: Activation, bias: bool = False, input: str = "h", out: str = "h") -> list[Operation]:
    """h -> h: ``down(fn(gate h) * up h)``."""
    return [
        Project(input, (linear(f"{at}.gate_proj", "gate", bias), linear(f"{at}.up_proj", "up", bias))),
        Gate(fn, "gate", "up", "m"),
        Project("m", (linear(f"{at}.down_proj", out, bias),)),
    ]


class Places(TypedDict, total=False):
    """Which values an mlp uses."""

    input: str
    out: str
    hidden: tuple[str, str]  # before and behind the activation function


def plain_mlp(up: str, down: str, fn: Activation, bias: bool, **places: Unpack[Places]) -> list[Operation]:
    """h -> h: ``down(fn(up h))``, by modules."""
    before, behind = places.get("hidden", ("up", "m"))
    return [
        Project(places.get("input", "h"), (linear(up, before, bias),)),
        Activate(fn, before, behind),
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
    mlp_bias: bool = False,
    mlp: Sequence[Operation] | None = None,
    norm: Norm = rms_norm,
    **attention: Unpack[Turns],
) -> list[Operation]:
    """``x += attention(norm x); x += mlp(norm x)``, h -> h by ``mlp`` if that is not gated linears."""
    at = f"model.layers.{layer}"
    if mlp is None:
        mlp = gated_mlp(f"{at}.mlp", config.activation, mlp_bias)
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

    halves = self_attention(f"{at}.self_attn", layer, config, **attention), gated_mlp(f"{at}.mlp", config.activation)
    return [
        *residual(norm("input", "x"), *halves[0], norm("post_attention", "h")),
        *residual(norm("pre_feedforward", "x"), *halves[1], norm("post_feedforward", "h")),
    ]
