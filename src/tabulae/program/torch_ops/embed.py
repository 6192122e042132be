"""Rows of a table by token, in bands."""

import torch

from tabulae.program.ops.embed import Embed
from tabulae.program.torch_ops import TorchEnv


def run(op: Embed, at: TorchEnv) -> None:
    """All positions' rows; of every band those of its tokens."""
    tokens = at.values[op.input]
    if len(op.bands) == 1:
        at.values[op.out] = at.rows(op.bands[0].weight, tokens) * op.scale
        return
    out = torch.zeros(*tokens.shape, at.weights[op.bands[0].weight].shape[1])
    for band in op.bands:
        begin, end = band.rows or (0, int(tokens.max()) + 1)
        here = (begin <= tokens) & (tokens < end)
        out = out.masked_scatter(here[..., None], at.rows(band.weight, tokens[here] - begin) * op.scale)
    at.values[op.out] = out
