"""StarCoder 2 (Lozhkov et al. 2024): layer norms, biases, rotary positions, grouped queries, GELU, a sliding window."""

from dataclasses import dataclass

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, pre_norm_block
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

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

    def block(layer: int) -> list[Operation]:
        up, down = (f"model.layers.{layer}.mlp.{name}" for name in ("c_fc", "c_proj"))
        mlp, window = plain_mlp(up, down, sizes.activation, bias), config.window
        return pre_norm_block(layer, sizes, mlp=mlp, norm=layer_norm, bias=bias, window=window)

    return program_of(sizes, block, norm=layer_norm("model.norm", "last", "last", sizes.eps))


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
