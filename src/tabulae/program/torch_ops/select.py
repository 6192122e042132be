"""The positions whose outputs are asked for."""

from tabulae.program.ops.select import Select
from tabulae.program.torch_ops import TorchEnv


def run(op: Select, at: TorchEnv) -> None:
    """From the first that is scored."""
    at.values[op.out] = at.values[op.input][:, at.first :]
