"""OLMoE (Muennighoff et al. 2024): norms over all queries and all keys, experts in every layer."""

from dataclasses import dataclass

from tabulae.program.architectures import _experts, _gguf, _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import pre_norm_block, rotary_program
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.architectures._experts import Mixture, expert_mlp, expert_values
from tabulae.program.architectures._fields import flag
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.embed import Embed

GGUF: Patterns = {**_gguf.NORMED, **_experts.GGUF}


@dataclass(frozen=True)
class Config:
    """Sizes, biases and experts."""

    decoder: Sizes
    bias: bool  # on q, k, v and the output
    experts: Mixture


def _from_gguf(source: Source) -> Config:
    """Shares are not normalised there."""
    return Config(_gguf.decoder(source), False, _experts.from_gguf(source, False))


def _from_huggingface(source: Source) -> Config:
    sizes = _huggingface.decoder(source, _experts.HUGGINGFACE)
    experts = _experts.from_huggingface(source.metadata, "intermediate_size")
    return Config(sizes, flag(source.metadata, "attention_bias"), experts)


def program(config: Config) -> Decoder:
    """Pre-norm blocks: ``x += attention(norm x); x += experts(norm x)``."""
    sizes, bias = config.decoder, config.bias
    body: list[Operation] = [Embed.of(EMBEDDING, "x")]
    for layer in range(sizes.layers):
        mlp = expert_mlp(f"model.layers.{layer}.mlp", config.experts, sizes.activation)
        body += pre_norm_block(layer, sizes, mlp=mlp, qkv_bias=bias, out_bias=bias, norms=True)
    return rotary_program(body, sizes, values=expert_values(config.experts, sizes.hidden))


ARCHITECTURE = Architecture(
    program,
    (
        _gguf.gguf("olmoe", _from_gguf, GGUF),
        _huggingface.huggingface(
            ("olmoe",),
            _from_huggingface,
            _experts.HUGGINGFACE,
            harmless={"training alone": "output_router_logits router_aux_loss_coef"},
            neutral={"clip_qkv": (None,)},
        ),
    ),
)
