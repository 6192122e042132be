"""OPT (Zhang et al. 2022): layer norms, learned positions (from row 2), ReLU; 350M norms behind its halves."""

from dataclasses import dataclass

from tabulae.arithmetic.activation_functions import Activation
from tabulae.program.architectures import _huggingface
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._blocks import linear, scale_of
from tabulae.program.architectures._fields import LAYERS, activation, columns_per_head, flag, integer
from tabulae.program.architectures._names import Names
from tabulae.program.architectures._origin import Source
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select

EMBEDDING = "model.decoder.embed_tokens.weight"
POSITIONS = "model.decoder.embed_positions.weight"
NAMES = Names(prefixes={"model.decoder.": ("decoder.",)})
OFFSET = 2  # rows of the position table that are never used
EPS = 1e-5


@dataclass(frozen=True)
class Config:
    """Sizes; embeddings may be narrower than the rest."""

    layers: int
    hidden: int
    embedding: int
    intermediate: int
    heads: int
    vocabulary: int
    context: int
    activation: Activation
    bias: bool
    norm_before: bool
    last_norm: bool
    tied: bool


def read(source: Source) -> Config:
    """From config.json; there is no GGUF of it."""
    meta = source.metadata
    hidden, before = integer(meta, "hidden_size"), flag(meta, "do_layer_norm_before", default=True)
    removed = flag(meta, "_remove_final_layer_norm")
    return Config(
        layers=integer(meta, "num_hidden_layers", most=LAYERS),
        hidden=hidden,
        embedding=integer(meta, "word_embed_proj_dim", default=hidden),
        intermediate=integer(meta, "ffn_dim"),
        heads=integer(meta, "num_attention_heads"),
        vocabulary=integer(meta, "vocab_size"),
        context=integer(meta, "max_position_embeddings"),
        activation=activation(meta, "activation_function", default="relu"),
        bias=flag(meta, "enable_bias", default=True),
        norm_before=before,
        last_norm=before and not removed,
        tied=_huggingface.is_tied(source, NAMES, meta, True, EMBEDDING),
    )


def program(config: Config) -> Decoder:
    """Blocks of attention and mlp, each normed before (``x += f(norm x)``) or behind (``x = norm(x + f(x))``)."""
    body = _embed(config)
    for layer in range(config.layers):
        body += _block(f"model.decoder.layers.{layer}", layer, config)
    body.append(Select("x", "last"))
    if config.last_norm:
        body.append(_norm("model.decoder.final_layer_norm", "last", "last"))
    narrow = config.embedding != config.hidden
    if narrow:
        body.append(Project("last", (Linear("model.decoder.project_out.weight", "o"),)))
    head = Linear(EMBEDDING if config.tied else "lm_head.weight", "logits")
    body.append(Project("o" if narrow else "last", (head,)))
    buffers = dict.fromkeys(("x", "h", "q", "k", "v", "a", "last"), config.hidden)
    buffers |= {"e": config.embedding, "o": config.embedding} if narrow else {}
    buffers |= {"m": config.intermediate, "g": config.intermediate, "logits": config.vocabulary}
    return Decoder.of(body, buffers, config.vocabulary, config.context)


def _embed(config: Config) -> list[Operation]:
    positions = EmbedPosition(POSITIONS, "x", OFFSET)
    if config.embedding == config.hidden:
        return [Embed.of(EMBEDDING, "x"), positions]
    return [Embed.of(EMBEDDING, "e"), Project("e", (Linear("model.decoder.project_in.weight", "x"),)), positions]


def _block(at: str, layer: int, config: Config) -> list[Operation]:
    heads, head = config.heads, columns_per_head(config.hidden, config.heads)
    input = "h" if config.norm_before else "x"
    attention: list[Operation] = [
        Project(input, tuple(linear(f"{at}.self_attn.{part}_proj", part, config.bias) for part in "qkv")),
        Attention("q", "k", "v", "a", *kept(layer), heads, heads, head, scale_of(head)),
        Project("a", (linear(f"{at}.self_attn.out_proj", "h", config.bias),)),
        Add("x", "h", "x"),
    ]
    mlp: list[Operation] = [
        Project(input, (linear(f"{at}.fc1", "m", config.bias),)),
        Activate(config.activation, "m", "g"),
        Project("g", (linear(f"{at}.fc2", "h", config.bias),)),
        Add("x", "h", "x"),
    ]
    first, second = f"{at}.self_attn_layer_norm", f"{at}.final_layer_norm"
    if config.norm_before:
        return [_norm(first, "x", "h"), *attention, _norm(second, "x", "h"), *mlp]
    return [*attention, _norm(first, "x", "x"), *mlp, _norm(second, "x", "x")]


def _norm(module: str, input: str, out: str) -> LayerNorm:
    return LayerNorm(f"{module}.weight", f"{module}.bias", input, out, EPS)


ARCHITECTURE = Architecture(
    program,
    (_huggingface.huggingface(("opt",), read, NAMES, neutral={"layer_norm_elementwise_affine": (True,)}),),
)
