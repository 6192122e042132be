"""Qwen3, dense (Yang et al. 2025): llama with an RMS norm on every q and k head."""

from dataclasses import dataclass

from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import GGUF_NAMES, gated_mlp, rotary_attention, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Sizes, decoder, late_windows
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._origin import Origin, Source, gguf_name, huggingface_name
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.rms_norm import RMSNorm

NAMES = GGUF_NAMES | {
    "model.layers.{}.self_attn.q_norm": "blk.{}.attn_q_norm",
    "model.layers.{}.self_attn.k_norm": "blk.{}.attn_k_norm",
}


@dataclass(frozen=True)
class Config:
    """Sizes, biases and the window of every layer."""

    decoder: Sizes
    bias: bool  # on q, k, v and the output
    windows: tuple[int | None, ...]


def read(source: Source) -> Config:
    """From ``qwen3.*`` keys (converters know neither biases nor windows) or config.json."""
    if source.kind == "gguf":
        sizes = decoder(source)
        return Config(sizes, False, (None,) * sizes.layers)
    sizes, meta = decoder(source, head=128), source.metadata  # the width of a head does not follow from hidden_size
    return Config(sizes, flag(meta, "attention_bias"), late_windows(meta, sizes.layers))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes = config.decoder
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer, window in enumerate(config.windows):
        at, bias = f"model.layers.{layer}", config.bias
        body.append(RMSNorm(f"{at}.input_layernorm.weight", "x", "h", sizes.eps))
        body += rotary_attention(
            f"{at}.self_attn", layer, sizes, qkv_bias=bias, out_bias=bias, norms=True, window=window
        )
        body += [Add("x", "h", "x"), RMSNorm(f"{at}.post_attention_layernorm.weight", "x", "h", sizes.eps)]
        body += gated_mlp(f"{at}.mlp", sizes.activation)
        body.append(Add("x", "h", "x"))
    return rotary_program(body, sizes)


def origin(source: Source, config: Config, name: str) -> Origin:
    """Only the names differ."""
    if source.kind == "huggingface":
        return Origin(huggingface_name(source, name, "model."))
    return Origin(gguf_name(NAMES, name))


ARCHITECTURE = Architecture(
    model_types=("qwen3",),
    read=read,
    program=program,
    origin=origin,
    ignored=("rope_freqs.weight", "*.rotary_emb.inv_freq", "lm_head.weight"),
    neutral={"use_mrope": (False,)},
)
