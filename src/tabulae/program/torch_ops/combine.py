"""What the experts of a position gave, as one."""

from tabulae.program.ops.combine import Combine
from tabulae.program.torch_ops import TorchEnv


def run(op: Combine, at: TorchEnv) -> None:
    """Weighed by their shares."""
    at.values[op.out] = (at.values[op.input] * at.values[op.shares][..., None]).sum(-2)
