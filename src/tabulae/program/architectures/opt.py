"""OPT (Zhang et al. 2022): layer norms, learned positions (from row 2), ReLU; 350M norms behind its halves."""

from dataclasses import dataclass

from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import layer_norm, plain_mlp, residual, self_attention
from tabulae.program.architectures._config import Biases, Sizes, plain_sizes
from tabulae.program.architectures._fields import LAYERS, activation, flag, integer
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._program import decoder_of, head
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select

EMBEDDING = "model.decoder.embed_tokens.weight"
POSITIONS = "model.decoder.embed_positions.weight"
NAMES = Names(prefixes={"model.decoder.": ("decoder.",)})
OFFSET = 2  # rows of the position table that are never used
EPS = 1e-5


@dataclass(frozen=True)
class Config:
    """Sizes, of which that of embeddings may be another, and norms."""

    decoder: Sizes
    embedding: int
    norm_before: bool
    last_norm: bool


def read(source: Source) -> Config:
    """From config.json; there is no GGUF of it."""
    meta = source.metadata
    hidden, before = integer(meta, "hidden_size"), flag(meta, "do_layer_norm_before", default=True)
    removed = flag(meta, "_remove_final_layer_norm")
    sizes = plain_sizes(
        layers=integer(meta, "num_hidden_layers", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, "ffn_dim"),
        heads=integer(meta, "num_attention_heads"),
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "max_position_embeddings"),
        eps=EPS,
        activation=activation(meta, "activation_function", default="relu"),
        tied=_huggingface.is_tied(source, NAMES, meta, True, EMBEDDING),
        bias=Biases.all(flag(meta, "enable_bias", default=True)),
    )
    return Config(sizes, integer(meta, "word_embed_proj_dim", default=hidden), before, before and not removed)


def program(config: Config) -> Decoder:
    """Blocks of attention and mlp, each normed before (``x += f(norm x)``) or behind (``x = norm(x + f(x))``)."""
    sizes, narrow = config.decoder, config.embedding != config.decoder.hidden
    operations = [*_embed(config), *(op for layer in range(sizes.layers) for op in _block(layer, config))]
    operations.append(Select("x", "last"))
    if config.last_norm:
        operations.append(layer_norm("model.decoder.final_layer_norm", "last", "last", sizes.eps))
    if narrow:
        operations.append(Project("last", (Linear("model.decoder.project_out.weight", "o"),)))
    operations.append(Project("o" if narrow else "last", (head(sizes, EMBEDDING),)))
    return decoder_of(sizes, operations, {"g": sizes.intermediate, **dict.fromkeys("eo", config.embedding)})


def _embed(config: Config) -> list[Operation]:
    positions = EmbedPosition(POSITIONS, "x", OFFSET)
    if config.embedding == config.decoder.hidden:
        return [Embed.of(EMBEDDING, "x"), positions]
    return [Embed.of(EMBEDDING, "e"), Project("e", (Linear("model.decoder.project_in.weight", "x"),)), positions]


def _block(layer: int, config: Config) -> list[Operation]:
    at, sizes, input = f"model.decoder.layers.{layer}", config.decoder, "h" if config.norm_before else "x"
    linears = tuple(f"{at}.self_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", "out_proj"))
    attention = self_attention(at, layer, sizes, linears=linears, input=input)
    mlp = plain_mlp(f"{at}.fc1", f"{at}.fc2", sizes, input=input, hidden=("m", "g"))
    first, second = (layer_norm(f"{at}.{name}_layer_norm", "x", input, sizes.eps) for name in ("self_attn", "final"))
    if config.norm_before:
        return [*residual(first, *attention), *residual(second, *mlp)]
    return [*residual(*attention), first, *residual(*mlp), second]


ARCHITECTURE = Architecture(
    program,
    (_huggingface.huggingface(("opt",), read, NAMES, neutral={"layer_norm_elementwise_affine": (True,)}),),
)
