"""Qwen2 and 2.5 (Yang et al. 2024): llama with biases on q, k and v, and perhaps sliding windows in late layers."""

from dataclasses import dataclass

from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import GGUF_NAMES, gated_mlp, rotary_attention, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Sizes, decoder, late_windows
from tabulae.program.architectures._origin import Origin, Source, gguf_name, huggingface_name
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.rms_norm import RMSNorm


@dataclass(frozen=True)
class Config:
    """Sizes, and the window of every layer."""

    decoder: Sizes
    windows: tuple[int | None, ...]


def read(source: Source) -> Config:
    """From ``qwen2.*`` keys (converters refuse windows) or config.json."""
    sizes = decoder(source)
    gguf = source.kind == "gguf"
    return Config(sizes, (None,) * sizes.layers if gguf else late_windows(source.metadata, sizes.layers))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes = config.decoder
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer, window in enumerate(config.windows):
        at = f"model.layers.{layer}"
        body.append(RMSNorm(f"{at}.input_layernorm.weight", "x", "h", sizes.eps))
        body += rotary_attention(f"{at}.self_attn", layer, sizes, qkv_bias=True, window=window)
        body += [Add("x", "h", "x"), RMSNorm(f"{at}.post_attention_layernorm.weight", "x", "h", sizes.eps)]
        body += gated_mlp(f"{at}.mlp", sizes.activation)
        body.append(Add("x", "h", "x"))
    return rotary_program(body, sizes)


def origin(source: Source, config: Config, name: str) -> Origin:
    """Only the names differ."""
    if source.kind == "huggingface":
        return Origin(huggingface_name(source, name, "model."))
    return Origin(gguf_name(GGUF_NAMES, name))


ARCHITECTURE = Architecture(
    model_types=("qwen2",),
    read=read,
    program=program,
    origin=origin,
    ignored=("rope_freqs.weight", "*.rotary_emb.inv_freq", "lm_head.weight"),
    neutral={"use_mrope": (False,)},
)
