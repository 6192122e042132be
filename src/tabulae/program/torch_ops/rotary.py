"""Rotary positions."""

import torch

from tabulae.program.ops.rotary import Rotary
from tabulae.program.torch_ops import TorchEnv


def run(op: Rotary, at: TorchEnv) -> None:
    """In place of what stood there."""
    inv_freq = at.weights[op.frequencies(len(at.positions))]
    angle = (at.positions[:, None] * inv_freq)[:, None]  # [n, 1, half]
    half = len(inv_freq)
    heads = at.values[op.buffer].unflatten(-1, (-1, op.head))
    a, b, rest = heads.split([half, half, op.head - 2 * half], dim=-1)
    c, s = angle.cos() * op.scale, angle.sin() * op.scale
    at.values[op.buffer] = torch.cat([a * c - b * s, b * c + a * s, rest], dim=-1).flatten(-2)
