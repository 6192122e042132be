"""All linears of one input."""

import torch

from tabulae.program.ops.project import Project
from tabulae.program.torch_ops import TorchEnv


def run(op: Project, at: TorchEnv) -> None:
    """Bands of one output are joined."""
    x, parts = at.values[op.input], dict[str, list[torch.Tensor]]()
    for one in op.linears:
        bias = at.optional(one.bias)
        band = slice(None) if one.rows is None else slice(*one.rows)
        parts.setdefault(one.out, []).append(at.project(one.weight, x, None if bias is None else bias[band]))
    at.values |= {out: torch.cat(found, dim=-1) for out, found in parts.items()}
