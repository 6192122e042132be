"""BLOOM (Le Scao et al. 2022): layers of Megatron-LM, ALiBi, a norm behind the embedding, too, GELU."""

from tabulae.program.architectures import _gguf, _huggingface
from tabulae.program.architectures._alibi import SLOPES, slopes
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, residual
from tabulae.program.architectures._config import Biases, Sizes, plain_sizes
from tabulae.program.architectures._fields import LAYERS, integer, number
from tabulae.program.architectures._megatron import NORMS, Megatron
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

MODULES = Megatron("transformer.word_embeddings", "transformer.h.{}", "self_attention", "transformer.ln_f")
NORM = f"{MODULES.embeddings}_layernorm"
GGUF: Patterns = {**MODULES.gguf(), NORM: "token_embd_norm"}
HUGGINGFACE = Names(MODULES.huggingface(), {"transformer.": ("",)})
HARMLESS = {
    "how it was trained and cut among machines": (
        "bias_dropout_fusion masked_softmax_fusion skip_bias_add skip_bias_add_qkv pretraining_tp"
    ),
    "the same in float32": "slow_but_exact attention_softmax_in_fp32",
    "a shift of all scores": "offset_alibi",
}
NEUTRAL = {"apply_residual_connection_post_layernorm": (False,)}
CONTEXT = 2048


def _from_gguf(source: Source) -> Sizes:
    meta = source.metadata
    heads = integer(meta, "bloom.attention.head_count")
    integer(meta, "bloom.attention.head_count_kv", default=heads)  # the rows of the fused linear must fit anyway
    return _gguf.plain_decoder(source, "gelu_tanh", Biases.all())


def _from_huggingface(source: Source) -> Sizes:
    """Nothing limits the context but what it was trained with."""
    meta = source.metadata
    hidden = integer(meta, "hidden_size", "n_embed")
    return plain_sizes(
        layers=integer(meta, "n_layer", "num_hidden_layers", most=LAYERS),
        hidden=hidden,
        intermediate=4 * hidden,
        heads=integer(meta, "n_head"),
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "seq_length", default=CONTEXT),
        eps=number(meta, "layer_norm_epsilon", default=1e-5),
        activation="gelu_tanh",
        tied=_huggingface.is_tied(source, HUGGINGFACE, meta, True, MODULES.embedding),
        bias=Biases.all(),
    )


def program(sizes: Sizes) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += mlp(norm x)``."""
    return MODULES.program(
        sizes,
        lambda layer: _block(layer, sizes),
        behind=(layer_norm(NORM, "x", "x", sizes.eps),),
        constants={SLOPES: tuple(slopes(sizes.heads).tolist())},
    )


def _block(layer: int, sizes: Sizes) -> list[Operation]:
    first, second = (MODULES.layer_norm(layer, name, sizes) for name in NORMS)
    attention = MODULES.self_attention(layer, sizes, slopes=SLOPES)
    return [*residual(first, *attention), *residual(second, *MODULES.mlp(layer, sizes))]


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("bloom", _from_gguf, GGUF, neutral={"attention.max_alibi_bias": (8.0,)}),
        _huggingface.huggingface(("bloom",), _from_huggingface, HUGGINGFACE, harmless=HARMLESS, neutral=NEUTRAL),
    ),
)
