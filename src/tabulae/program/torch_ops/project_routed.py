"""Linears of experts."""

import torch

from tabulae.program.ops.project_routed import ProjectRouted
from tabulae.program.torch_ops import TorchEnv


def run(op: ProjectRouted, at: TorchEnv) -> None:
    """Every expert on the positions that chose it."""
    x, chosen = at.values[op.input], at.values[op.chosen]
    x = x[:, :, None].expand(*chosen.shape, -1) if x.ndim == 3 else x
    for one in op.experts:
        out = torch.zeros(*chosen.shape, len(at.weights[one.weights[0]]))
        for expert, weight in enumerate(one.weights):
            here = chosen == expert
            out = out.masked_scatter(here[..., None], at.project(weight, x[here]))
        at.values[one.out] = out
