"""What operations mean in torch, one file each, named like their tags: to differentiate. The folder scans itself.

A file holds ``run(op, at)``, which puts what the operation writes into ``at.values``. An operation without one cannot
be differentiated. torch is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tabulae.errors import ModelError
from tabulae.program.operation import Operation

if TYPE_CHECKING:
    from torch import Tensor

Watch = Callable[[str, "Tensor", "Tensor"], None]  # weight, what it is applied to (inputs or token ids), its output


class TorchEnv:
    """One batch on its way through a graph; values are [batch, n, ...]."""

    def __init__(self, weights: Mapping[str, Tensor], tokens: Tensor, first: int, watch: Watch) -> None:
        import torch

        self.values: dict[str, Tensor] = {"tokens": tokens}
        self.weights, self.first, self.watch = weights, first, watch
        self.positions = torch.arange(tokens.shape[1])

    def optional(self, name: str | None) -> Tensor | None:
        """A tensor that need not be there."""
        return None if name is None else self.weights[name]

    def rows(self, name: str, indices: Tensor) -> Tensor:
        """Rows of a table; they require a gradient, and with them all that follows."""
        rows = self.weights[name][indices].requires_grad_()
        self.watch(name, indices, rows)
        return rows

    def project(self, name: str, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """``x @ weight.T (+ bias)``."""
        from torch.nn import functional

        y = functional.linear(x, self.weights[name], bias)
        self.watch(name, x, y)
        return y


def run(op: Operation, at: TorchEnv) -> None:
    """Run one operation.

    :raises ModelError: it has no meaning in torch
    """
    module = f"{__name__}.{op.tag}"
    if find_spec(module) is None:
        raise ModelError(f"operation {op.tag}", "it must have a meaning in torch", "none", "use measured sensitivities")
    import_module(module).run(op, at)
