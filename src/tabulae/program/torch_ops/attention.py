"""Causal grouped-query attention over the whole sequence."""

import torch

from tabulae.program.ops.attention import Attention
from tabulae.program.torch_ops import TorchEnv


def run(op: Attention, at: TorchEnv) -> None:
    """All positions at once."""
    shared = op.heads // op.kv_heads
    q, k, v = (at.values[name].unflatten(-1, (-1, op.head)) for name in (op.q, op.k, op.v))
    k, v = k.repeat_interleave(shared, dim=2), v.repeat_interleave(shared, dim=2)
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * op.scale
    if op.cap is not None:
        scores = op.cap * (scores / op.cap).tanh()
    distance = at.positions - at.positions[:, None]  # [q, k], 0 for the position itself
    if op.slopes is not None:
        scores = scores + at.weights[op.slopes][:, None, None] * distance
    unseen = (distance > 0) | (distance <= -(op.window or len(distance)))
    weights = scores.masked_fill(unseen, float("-inf")).softmax(-1)
    at.values[op.out] = torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(-2)
