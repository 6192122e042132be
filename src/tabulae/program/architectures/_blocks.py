"""Pieces that decoders with rotary positions and gated linears share; buffers x (residual) and h (in and out)."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import TypedDict, Unpack

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.architectures._rope import Frequencies
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm
from tabulae.program.ops.select import Select
from tabulae.program.ops.soft_cap import SoftCap
from tabulae.program.value import Value

HEAD = "lm_head.weight"
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
    qkv_bias: bool
    out_bias: bool
    norms: bool  # of queries and keys, before they turn
    turn: Frequencies | None  # None: queries and keys do not turn
    inv_freq: str  # the name of the rotation's constant
    window: int | None
    scale: float
    slopes: str  # a constant of ALiBi
    cap: float | None  # of scores


def rotary_attention(at: str, layer: int, config: Sizes, **more: Unpack[Turns]) -> list[Operation]:
    """h -> h: q, k, v, their norms, rotation, attention, output."""
    bias, head, turn = more.get("qkv_bias", False), config.head, more.get("turn", config.turn)
    *qkv, out = more.get("linears", tuple(f"{at}.{part}_proj" for part in "qkvo"))
    norms = [RMSNorm(f"{at}.{name}_norm.weight", name, name, config.eps) for name in "qk"]
    scale, window = more.get("scale", scale_of(head)), more.get("window")
    slopes, cap = more.get("slopes"), more.get("cap")
    return [
        Project(more.get("input", "h"), tuple(linear(name, part, bias) for name, part in zip(qkv, "qkv", strict=True))),
        *(norms if more.get("norms") else []),
        *(turn.rotary(buffer, head, more.get("inv_freq", INV_FREQ)) for buffer in "qk" if turn),
        Attention("q", "k", "v", "a", *kept(layer), config.heads, config.kv_heads, head, scale, window, slopes, cap),
        Project("a", (linear(out, "h", more.get("out_bias", False)),)),
    ]


def gated_mlp(at: str, fn: Activation, bias: bool = False, input: str = "h", out: str = "h") -> list[Operation]:
    """h -> h: ``down(fn(gate h) * up h)``."""
    return [
        Project(input, (linear(f"{at}.gate_proj", "gate", bias), linear(f"{at}.up_proj", "up", bias))),
        Gate(fn, "gate", "up", "m"),
        Project("m", (linear(f"{at}.down_proj", out, bias),)),
    ]


def plain_mlp(up: str, down: str, fn: Activation, bias: bool, buffer: str = "h") -> list[Operation]:
    """h -> h: ``down(fn(up h))``, by modules."""
    return [
        Project(buffer, (linear(up, "up", bias),)),
        Activate(fn, "up", "m"),
        Project("m", (linear(down, buffer, bias),)),
    ]


def pre_norm_block(
    layer: int,
    config: Sizes,
    mlp_bias: bool = False,
    mlp: Sequence[Operation] | None = None,
    **attention: Unpack[Turns],
) -> list[Operation]:
    """``x += attention(norm x); x += mlp(norm x)``, h -> h by ``mlp`` if that is not gated linears."""
    at = f"model.layers.{layer}"
    if mlp is None:
        mlp = gated_mlp(f"{at}.mlp", config.activation, mlp_bias)
    return [
        RMSNorm(f"{at}.input_layernorm.weight", "x", "h", config.eps),
        *rotary_attention(f"{at}.self_attn", layer, config, **attention),
        Add("x", "h", "x"),
        RMSNorm(f"{at}.post_attention_layernorm.weight", "x", "h", config.eps),
        *mlp,
        Add("x", "h", "x"),
    ]


def layer_norm(module: str, input: str, out: str, eps: float, bias: bool = True) -> LayerNorm:
    """The layer norm of a module with ``.weight`` and perhaps ``.bias``."""
    return LayerNorm(f"{module}.weight", f"{module}.bias" if bias else None, input, out, eps)


def rotary_program(
    body: Sequence[Operation],
    config: Sizes,
    constants: dict[str, tuple[float, ...]] | None = None,
    cap: float | None = None,
    norm: Operation | None = None,
    embedding: str = EMBEDDING,
    values: Mapping[str, Value] | None = None,
) -> Decoder:
    """The program of a body that leaves x: select, last norm, head and the ``cap`` of logits are added.

    A body may also use n, of the width of x, and ``values`` of its own.
    """
    tail: list[Operation] = [
        Select("x", "last"),
        norm or RMSNorm("model.norm.weight", "last", "last", config.eps),
        Project("last", (Linear(embedding if config.tied else HEAD, "logits"),)),
        *([] if cap is None else [SoftCap("logits", cap)]),
    ]
    q, kv = config.heads * config.head, config.kv_heads * config.head
    widths = {"x": config.hidden, "h": config.hidden, "n": config.hidden, "q": q, "k": kv, "v": kv, "a": q}
    widths |= {"gate": config.intermediate, "up": config.intermediate, "m": config.intermediate}
    widths |= {"last": config.hidden, "logits": config.vocabulary}
    constants = config.turn.constants(INV_FREQ) if constants is None else constants
    return Decoder.of((*body, *tail), {**widths, **(values or {})}, config.vocabulary, config.context, constants)
