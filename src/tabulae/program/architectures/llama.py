"""Llama (Touvron et al. 2023): RMS norms, rotary positions, grouped-query attention, SwiGLU."""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.errors import ModelError
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import GGUF_NAMES, gated_mlp, rotary_attention, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Decoder, decoder
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Origin, Source, gguf_name, huggingface_name
from tabulae.program.operations import Add, AnyOperation, Embed, Program, RMSNorm


@dataclass(frozen=True)
class Config:
    """Sizes, and which linears have a bias."""

    decoder: Decoder
    qkv_bias: bool
    out_bias: bool
    mlp_bias: bool


def read(source: Source) -> Config:
    """From ``llama.*`` keys or config.json; GGUF does not say which biases there are, its tensors do."""
    sizes = decoder(source)
    if source.kind == "gguf":
        if 2 * len(sizes.turn.inv_freq) != sizes.head:  # pairs lie side by side in all of the head, or nothing fits
            got = 2 * len(sizes.turn.inv_freq)
            raise ModelError("llama.rope.dimension_count", f"it must be the width of a head, {sizes.head}", got)
        biases = [f"blk.0.{name}.bias" in source.names for name in ("attn_q", "attn_output", "ffn_up")]
        return Config(sizes, *biases)
    attention = flag(source.metadata, "attention_bias")
    return Config(sizes, attention, attention, flag(source.metadata, "mlp_bias"))


def program(config: Config) -> Program:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes = config.decoder
    body: list[AnyOperation] = [Embed(EMBEDDING, "x")]
    for layer in range(sizes.layers):
        at = f"model.layers.{layer}"
        body.append(RMSNorm(f"{at}.input_layernorm.weight", "x", "h", sizes.eps))
        body += rotary_attention(f"{at}.self_attn", layer, sizes, qkv_bias=config.qkv_bias, out_bias=config.out_bias)
        body += [Add("x", "h", "x"), RMSNorm(f"{at}.post_attention_layernorm.weight", "x", "h", sizes.eps)]
        body += gated_mlp(f"{at}.mlp", sizes.activation, config.mlp_bias)
        body.append(Add("x", "h", "x"))
    return rotary_program(body, sizes)


def origin(source: Source, config: Config, name: str) -> Origin:
    """GGUF interleaves the rotated pairs: its rows 2i and 2i + 1 of a q or k head are i and i + head / 2."""
    if source.kind == "huggingface":
        return Origin(huggingface_name(source, name, "model."))
    heads = {"q_proj": config.decoder.heads, "k_proj": config.decoder.kv_heads}
    module = name.split(".")[-2]
    rows = _apart(heads[module], config.decoder.head) if module in heads else None
    return Origin(gguf_name(GGUF_NAMES, name), rows=rows)


def _apart(heads: int, head: int) -> Int64s:
    """For each canonical row, GGUF's row: [heads, pairs, 2] -> [heads, 2, pairs]."""
    return np.arange(heads * head).reshape(heads, head // 2, 2).swapaxes(1, 2).reshape(-1)


ARCHITECTURE = Architecture(
    model_types=("llama",),
    read=read,
    program=program,
    origin=origin,
    ignored=("rope_freqs.weight", "blk.*.attn_rot_embd.weight", "*.rotary_emb.inv_freq", "lm_head.weight"),
    neutral={"rope_interleaved": (False,)},
)
