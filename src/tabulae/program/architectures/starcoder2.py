"""StarCoder 2 (Lozhkov et al. 2024): layer norms, biases, rotary positions, grouped queries, GELU, a sliding window."""

from dataclasses import replace

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, pre_norm_block
from tabulae.program.architectures._config import Biases, Sizes
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


def _from_gguf(source: Source) -> Sizes:
    """Converters write no window."""
    sizes = _gguf.decoder(source, "gelu_tanh", eps="layer_norm_epsilon")
    return replace(sizes, bias=Biases.all("blk.0.attn_q.bias" in source.names))


def _from_huggingface(source: Source) -> Sizes:
    meta = source.metadata
    sizes = _huggingface.decoder(source, _huggingface.LLAMA, tied=True, eps="norm_epsilon")
    biases = Biases.all(flag(meta, "use_bias", default=True))
    return replace(sizes, bias=biases, windows=_huggingface.one_window(meta, sizes.layers))


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""

    def block(layer: int) -> list[Operation]:
        up, down = (f"model.layers.{layer}.mlp.{name}" for name in ("c_fc", "c_proj"))
        return pre_norm_block(layer, sizes, mlp=plain_mlp(up, down, sizes), norm=layer_norm)

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
