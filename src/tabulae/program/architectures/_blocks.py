"""Pieces that decoders with rotary positions and gated linears share; buffers x (residual) and h (in and out)."""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.architectures._rope import Frequencies
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm
from tabulae.program.ops.select import Select
from tabulae.program.ops.soft_cap import SoftCap

HEAD = "lm_head.weight"
INV_FREQ = "inv_freq"
GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.layers.{}.input_layernorm": "blk.{}.attn_norm",
    "model.layers.{}.self_attn.q_proj": "blk.{}.attn_q",
    "model.layers.{}.self_attn.k_proj": "blk.{}.attn_k",
    "model.layers.{}.self_attn.v_proj": "blk.{}.attn_v",
    "model.layers.{}.self_attn.o_proj": "blk.{}.attn_output",
    "model.layers.{}.post_attention_layernorm": "blk.{}.ffn_norm",
    "model.layers.{}.mlp.gate_proj": "blk.{}.ffn_gate",
    "model.layers.{}.mlp.up_proj": "blk.{}.ffn_up",
    "model.layers.{}.mlp.down_proj": "blk.{}.ffn_down",
    "model.norm": "output_norm",
    "lm_head": "output",
}


def linear(module: str, out: str, bias: bool = False) -> Linear:
    """The linear of a module with ``.weight`` and perhaps ``.bias``."""
    return Linear(f"{module}.weight", out, f"{module}.bias" if bias else None)


def scale_of(columns: float) -> float:
    """The attention scale ``columns^-0.5`` as a float32 value."""
    return float(np.float32(1 / sqrt(columns)))


def rotary_attention(
    at: str,
    layer: int,
    config: Sizes,
    *,
    qkv_bias: bool = False,
    out_bias: bool = False,
    norms: bool = False,
    turn: Frequencies | None = None,
    inv_freq: str = INV_FREQ,
    window: int | None = None,
    scale: float | None = None,
) -> list[Operation]:
    """h -> h: q, k, v, their norms per head (``norms``), rotation (``turn``, named ``inv_freq``), attention, output."""
    q, k, v = (linear(f"{at}.{name}_proj", name, qkv_bias) for name in "qkv")
    per_head = [RMSNorm(f"{at}.{name}_norm.weight", name, name, config.eps) for name in "qk"] if norms else []
    scale = scale_of(config.head) if scale is None else scale
    turn = config.turn if turn is None else turn
    return [
        Project("h", (q, k, v)),
        *per_head,
        *(turn.rotary(buffer, config.head, inv_freq) for buffer in "qk"),
        Attention("q", "k", "v", "a", *kept(layer), config.heads, config.kv_heads, config.head, scale, window),
        Project("a", (linear(f"{at}.o_proj", "h", out_bias),)),
    ]


def gated_mlp(at: str, fn: Activation, bias: bool = False) -> list[Operation]:
    """h -> h: ``down(fn(gate h) * up h)``."""
    return [
        Project("h", (linear(f"{at}.gate_proj", "gate", bias), linear(f"{at}.up_proj", "up", bias))),
        Gate(fn, "gate", "up", "m"),
        Project("m", (linear(f"{at}.down_proj", "h", bias),)),
    ]


def rotary_program(
    body: Sequence[Operation],
    config: Sizes,
    constants: dict[str, tuple[float, ...]] | None = None,
    cap: float | None = None,
) -> Decoder:
    """The program of a body that leaves x: select, last norm, head and the ``cap`` of logits are added."""
    tail: list[Operation] = [
        Select("x", "last"),
        RMSNorm("model.norm.weight", "last", "last", config.eps),
        Project("last", (Linear(EMBEDDING if config.tied else HEAD, "logits"),)),
        *([] if cap is None else [SoftCap("logits", cap)]),
    ]
    q, kv = config.heads * config.head, config.kv_heads * config.head
    buffers = {"x": config.hidden, "h": config.hidden, "q": q, "k": kv, "v": kv, "a": q}
    buffers |= {"gate": config.intermediate, "up": config.intermediate, "m": config.intermediate}
    buffers |= {"last": config.hidden, "logits": config.vocabulary}
    constants = config.turn.constants(INV_FREQ) if constants is None else constants
    return Decoder.of((*body, *tail), buffers, config.vocabulary, config.context, constants)
