"""StarCoder 2 (Lozhkov et al. 2024): layer norms, biases, rotary positions, grouped queries, GELU, a sliding window."""

from dataclasses import dataclass

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, rotary_attention, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.add import Add
from tabulae.program.ops.embed import Embed

GGUF: Patterns = {
    **_gguf.LLAMA,
    "model.layers.{}.mlp.c_fc": "blk.{}.ffn_up",
    "model.layers.{}.mlp.c_proj": "blk.{}.ffn_down",
}


@dataclass(frozen=True)
class Config:
    """Sizes, whether linears have biases, the window of all layers."""

    decoder: Sizes
    bias: bool
    window: int | None


def _from_gguf(source: Source) -> Config:
    """Converters write no window."""
    sizes = _gguf.decoder(source, "gelu_tanh", eps="layer_norm_epsilon")
    return Config(sizes, "blk.0.attn_q.bias" in source.names, None)


def _from_huggingface(source: Source) -> Config:
    meta = source.metadata
    sizes = _huggingface.decoder(source, _huggingface.LLAMA, tied=True, eps="norm_epsilon")
    return Config(sizes, flag(meta, "use_bias", default=True), _huggingface.window(meta))


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    sizes, bias = config.decoder, config.bias
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer in range(sizes.layers):
        at = f"model.layers.{layer}"
        body += [
            layer_norm(f"{at}.input_layernorm", "x", "h", sizes.eps),
            *rotary_attention(f"{at}.self_attn", layer, sizes, qkv_bias=bias, out_bias=bias, window=config.window),
            Add("x", "h", "x"),
            layer_norm(f"{at}.post_attention_layernorm", "x", "h", sizes.eps),
            *plain_mlp(f"{at}.mlp.c_fc", f"{at}.mlp.c_proj", sizes.activation, bias),
            Add("x", "h", "x"),
        ]
    return rotary_program(body, sizes, norm=layer_norm("model.norm", "last", "last", sizes.eps))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("starcoder2", _from_gguf, GGUF, ignored=(_gguf.FACTORS,)),
        _huggingface.huggingface(
            ("starcoder2",),
            _from_huggingface,
            _huggingface.LLAMA,
            harmless={
                "training alone": "residual_dropout embedding_dropout",
                "float32 as here": "attention_softmax_in_fp32 scale_attention_softmax_in_fp32",
                "norm_epsilon counts": "layer_norm_epsilon",
            },
            neutral={"mlp_type": ("default",), "norm_type": ("layer_norm",), "scale_attn_weights": (True,)},
        ),
    ),
)
