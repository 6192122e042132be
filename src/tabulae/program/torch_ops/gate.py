"""Gated linear units."""

from tabulae.program.ops.gate import Gate
from tabulae.program.torch_ops import TorchEnv
from tabulae.program.torch_ops.activate import FUNCTIONS, dealt


def run(op: Gate, at: TorchEnv) -> None:
    """Columns dealt."""
    at.values[op.out] = dealt(FUNCTIONS[op.fn](at.values[op.gate]) * at.values[op.up], op.deal)
