"""Soft caps."""

from tabulae.program.ops.soft_cap import SoftCap
from tabulae.program.torch_ops import TorchEnv


def run(op: SoftCap, at: TorchEnv) -> None:
    """In place of what stood there."""
    at.values[op.buffer] = op.cap * (at.values[op.buffer] / op.cap).tanh()
