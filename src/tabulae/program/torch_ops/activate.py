"""Element-wise activation functions."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from tabulae.arithmetic.activation_functions import Activation
from tabulae.program.deal import dealt_ranks
from tabulae.program.ops.activate import Activate
from tabulae.program.torch_ops import TorchEnv

FUNCTIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
}


def run(op: Activate, at: TorchEnv) -> None:
    """Columns dealt."""
    at.values[op.out] = dealt(FUNCTIONS[op.fn](at.values[op.input]), op.deal)


def dealt(y: Tensor, deal: tuple[int, ...]) -> Tensor:
    """The columns of the last axis as they are dealt."""
    return y[..., dealt_ranks(deal, y.shape[-1])] if deal else y
