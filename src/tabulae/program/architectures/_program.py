"""The program of blocks: what stands before and behind them, and the widths of values."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict, Unpack

from tabulae.program.architectures._architecture import HEAD
from tabulae.program.architectures._blocks import INV_FREQ, rms_norm
from tabulae.program.architectures._config import EMBEDDING, Sizes
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select
from tabulae.program.ops.soft_cap import SoftCap
from tabulae.program.value import Value


class Ends(TypedDict, total=False):
    """How a program begins and ends where it is not as llama's."""

    embedding: str  # the table
    times: float  # what embeddings are multiplied by
    behind: Sequence[Operation]  # the embedding, on x
    norm: Operation  # the last one
    cap: float | None  # of logits
    constants: Mapping[str, tuple[float, ...]]  # beside those of the rotation
    values: Mapping[str, int | Value]  # of blocks, beside x, h, n (as wide), and those of the pieces above


def program_of(config: Sizes, block: Callable[[int], Sequence[Operation]], **ends: Unpack[Ends]) -> Decoder:
    """Embedding, a ``block`` for every layer, x -> x, the last norm, head."""
    embedding, cap = ends.get("embedding", EMBEDDING), ends.get("cap")
    times = (ends["times"],) if "times" in ends else ()  # a default that is given would stand in the file
    operations: list[Operation] = [Embed.of(embedding, "x", *times), *ends.get("behind", ())]
    operations += (op for layer in range(config.layers) for op in block(layer))
    operations += [
        Select("x", "last"),
        ends.get("norm") or rms_norm("model.norm", "last", "last", config.eps),
        Project("last", (head(config, embedding),)),
        *([] if cap is None else [SoftCap("logits", cap)]),
    ]
    return decoder_of(config, operations, ends.get("values", {}), ends.get("constants", {}))


def head(config: Sizes, embedding: str) -> Linear:
    """The linear that gives logits."""
    return Linear(embedding if config.tied else HEAD, "logits")


def decoder_of(
    config: Sizes,
    operations: Sequence[Operation],
    values: Mapping[str, int | Value],
    constants: Mapping[str, tuple[float, ...]] | None = None,
) -> Decoder:
    """The decoder of all its operations, which use the values of the pieces above and ``values`` of their own."""
    q, kv = config.heads * config.head, config.kv_heads * config.head
    widths = {**dict.fromkeys(("x", "h", "n", "last"), config.hidden), "q": q, "k": kv, "v": kv, "a": q}
    widths |= {**dict.fromkeys(("gate", "up", "m"), config.intermediate), "logits": config.vocabulary}
    constants = {**config.turn.constants(INV_FREQ), **(constants or {})}
    return Decoder.of(operations, {**widths, **values}, config.vocabulary, config.context, constants)
