"""Learned positions."""

from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.torch_ops import TorchEnv


def run(op: EmbedPosition, at: TorchEnv) -> None:
    """Added to every sequence of the batch."""
    at.values[op.buffer] = at.values[op.buffer] + at.rows(op.weight, at.positions + op.offset)
