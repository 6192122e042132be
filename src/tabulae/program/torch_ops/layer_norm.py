"""Layer norm."""

from torch.nn import functional

from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.torch_ops import TorchEnv


def run(op: LayerNorm, at: TorchEnv) -> None:
    """Of the whole width."""
    x = at.values[op.input]
    at.values[op.out] = functional.layer_norm(x, x.shape[-1:], at.weights[op.weight], at.optional(op.bias), op.eps)
