"""Root mean square norm."""

from tabulae.program.ops.rms_norm import RMSNorm
from tabulae.program.torch_ops import TorchEnv


def run(op: RMSNorm, at: TorchEnv) -> None:
    """Of every run of columns."""
    weight = at.weights[op.weight]
    runs = at.values[op.input].unflatten(-1, (-1, len(weight)))
    mean = runs.square().mean(-1, keepdim=True)
    at.values[op.out] = (runs * (mean + op.eps).rsqrt() * weight).flatten(-2)
