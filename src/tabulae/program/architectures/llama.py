"""Llama (Touvron et al. 2023): RMS norms, rotary positions, grouped-query attention, SwiGLU."""

from dataclasses import replace

from tabulae.errors import ModelError
from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block
from tabulae.program.architectures._config import Biases, Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder


def _from_gguf(source: Source) -> Sizes:
    """GGUF does not say which biases there are, its tensors do."""
    sizes = _gguf.decoder(source)
    if 2 * len(sizes.turn.inv_freq) != sizes.head:  # pairs lie side by side in all of the head, or nothing fits
        got = 2 * len(sizes.turn.inv_freq)
        raise ModelError("llama.rope.dimension_count", f"it must be the width of a head, {sizes.head}", got)
    biases = [f"blk.0.{name}.bias" in source.names for name in ("attn_q", "attn_output", "ffn_up")]
    return replace(sizes, bias=Biases(*biases))


def _from_huggingface(source: Source) -> Sizes:
    sizes, attention = _huggingface.decoder(source, _huggingface.LLAMA), flag(source.metadata, "attention_bias")
    return replace(sizes, bias=Biases.of(attention, flag(source.metadata, "mlp_bias")))


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return program_of(sizes, lambda layer: pre_norm_block(layer, sizes))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf(
            "llama",
            _from_gguf,
            _gguf.INTERLEAVED,
            ignored=(_gguf.FACTORS, "blk.*.attn_rot_embd.weight"),
        ),
        _huggingface.huggingface(
            ("llama",), _from_huggingface, _huggingface.LLAMA, neutral={"rope_interleaved": (False,)}
        ),
    ),
)
