"""Routers of mixtures of experts: the choice is taken as it is, shares have gradients."""

from torch.nn import functional

from tabulae.program.ops.route import Route
from tabulae.program.torch_ops import TorchEnv


def run(op: Route, at: TorchEnv) -> None:
    """Of all experts the ``top`` largest shares, in the order of experts."""
    all_shares = functional.linear(at.values[op.input], at.weights[op.weight]).softmax(-1)
    chosen = all_shares.topk(op.top, dim=-1).indices.sort(-1).values
    shares = all_shares.gather(-1, chosen)
    shares = shares / shares.sum(-1, keepdim=True) if op.normalise else shares
    at.values |= {op.chosen: chosen, op.shares: shares * op.scale}
