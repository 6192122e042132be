"""A program in torch, to differentiate: whole sequences at once, every operation as ``program/torch_ops`` says.

It needs the extra ``tabulae[fisher]``. Its logits differ from those of the engine only by rounding (about 1e-5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.program.graph import Decoder
from tabulae.program.torch_ops import TorchEnv, Watch, run

if TYPE_CHECKING:
    from torch import Tensor


def need_torch() -> None:
    """Refuse to go on without torch.

    :raises UsageError: it is not installed
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UsageError("fisher", "torch must be installed", "no torch", "pip install 'tabulae[fisher]'") from None


class Twin:
    """A program and its weights as torch tensors; they share the memory of the arrays."""

    def __init__(self, program: Decoder, weights: Mapping[str, Float32s]) -> None:
        import torch

        self.program = program
        self.weights = {name: torch.from_numpy(weight) for name, weight in weights.items()}
        self.weights |= {name: torch.tensor(values) for name, values in program.constants.items()}

    def logits(self, tokens: Tensor, first: int, watch: Watch | None = None) -> Tensor:
        """Logits [batch, n - first, vocabulary] of ``tokens`` [batch, n]; ``watch`` sees every table at work."""
        env = TorchEnv(self.weights, tokens, first, watch or (lambda name, x, y: None))
        for operation in self.program.operations:
            run(operation, env)
        return env.values[self.program.logits]
