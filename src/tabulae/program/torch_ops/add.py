"""Residual additions."""

from tabulae.program.ops.add import Add
from tabulae.program.torch_ops import TorchEnv


def run(op: Add, at: TorchEnv) -> None:
    """A sum."""
    at.values[op.out] = at.values[op.a] + at.values[op.b]
