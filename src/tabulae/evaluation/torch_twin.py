"""A program in torch, to differentiate: whole sequences at once, each operation in a line or two.

It needs the extra ``tabulae[fisher]``. Its logits differ from those of the executor only by rounding (about 1e-5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.program import operations as ops

if TYPE_CHECKING:
    from torch import Tensor

Watch = Callable[[str, "Tensor", "Tensor"], None]  # weight, what it is applied to (inputs or token ids), its output


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

    def __init__(self, program: ops.Program, weights: Mapping[str, Float32s]) -> None:
        import torch

        self.program = program
        self.weights = {name: torch.from_numpy(weight) for name, weight in weights.items()}
        self.weights |= {name: torch.tensor(values) for name, values in program.constants.items()}

    def logits(self, tokens: Tensor, first: int, watch: Watch | None = None) -> Tensor:
        """Logits [batch, n - first, vocabulary] of ``tokens`` [batch, n]; ``watch`` sees every table at work.

        What an embedding gives requires a gradient, and with it all that follows.
        """
        run = _Run(self.weights, tokens, first, watch or (lambda name, x, y: None))
        for operation in self.program.operations:
            run(operation)
        return run.buffers[self.program.logits]


class _Run:
    """One batch on its way through a program; buffers are [batch, n, width]."""

    def __init__(self, weights: Mapping[str, Tensor], tokens: Tensor, first: int, watch: Watch) -> None:
        import torch

        self.buffers: dict[str, Tensor] = {}
        self._weights, self._tokens, self._first, self._watch = weights, tokens, first, watch
        self._positions = torch.arange(tokens.shape[1])

    def __call__(self, op: ops.AnyOperation) -> None:
        import torch
        from torch.nn import functional

        at, weight = self.buffers, self._weights
        match op:
            case ops.Embed():
                at[op.out] = self._embedded(op)
            case ops.EmbedPosition():
                at[op.buffer] = at[op.buffer] + self._looked_up(op.weight, self._positions + op.offset)
            case ops.RMSNorm():
                runs = at[op.input].unflatten(-1, (-1, len(weight[op.weight])))
                mean = runs.square().mean(-1, keepdim=True)
                at[op.out] = (runs * (mean + op.eps).rsqrt() * weight[op.weight]).flatten(-2)
            case ops.LayerNorm():
                bias = None if op.bias is None else weight[op.bias]
                x = at[op.input]
                at[op.out] = functional.layer_norm(x, x.shape[-1:], weight[op.weight], bias, op.eps)
            case ops.Project():
                x = at[op.input]
                for linear in op.linears:
                    band = slice(None) if linear.rows is None else slice(*linear.rows)
                    bias = None if linear.bias is None else weight[linear.bias][band]
                    y = functional.linear(x, weight[linear.weight], bias)
                    self._watch(linear.weight, x, y)
                    before = [at[linear.out]] if ops.first_row(linear.rows) else []
                    at[linear.out] = torch.cat([*before, y], dim=-1)
            case ops.Rotary():
                at[op.buffer] = self._turned(op)
            case ops.Attention():
                slopes = None if op.slopes is None else weight[op.slopes]
                at[op.out] = self._attended(op, slopes)
            case ops.Activate():
                y = _function(op.fn)(at[op.input])
                at[op.out] = y[..., ops.dealt_ranks(op.deal, y.shape[-1])]
            case ops.Gate():
                y = _function(op.fn)(at[op.gate]) * at[op.up]
                at[op.out] = y[..., ops.dealt_ranks(op.deal, y.shape[-1])]
            case ops.Add():
                at[op.out] = at[op.a] + at[op.b]
            case ops.SoftCap():
                at[op.buffer] = op.cap * (at[op.buffer] / op.cap).tanh()
            case ops.Select():
                at[op.out] = at[op.input][:, self._first :]

    def _embedded(self, op: ops.Embed) -> Tensor:
        """All positions' rows; of a band those of its tokens, the others as they were."""
        if op.rows is None:
            return self._looked_up(op.weight, self._tokens) * op.scale
        begin, end = op.rows
        here = (begin <= self._tokens) & (self._tokens < end)
        rows = self._looked_up(op.weight, self._tokens[here] - begin) * op.scale
        before = self.buffers.get(op.out)
        if before is None:
            before = rows.new_zeros(*self._tokens.shape, rows.shape[-1])
        return before.masked_scatter(here[..., None], rows)

    def _looked_up(self, name: str, indices: Tensor) -> Tensor:
        rows = self._weights[name][indices].requires_grad_()
        self._watch(name, indices, rows)
        return rows

    def _turned(self, op: ops.Rotary) -> Tensor:
        import torch

        inv_freq = self._weights[op.frequencies(len(self._positions))]
        angle = (self._positions[:, None] * inv_freq)[:, None]  # [n, 1, half]
        half = len(inv_freq)
        heads = self.buffers[op.buffer].unflatten(-1, (-1, op.head))
        a, b, rest = heads.split([half, half, op.head - 2 * half], dim=-1)
        c, s = angle.cos() * op.scale, angle.sin() * op.scale
        return torch.cat([a * c - b * s, b * c + a * s, rest], dim=-1).flatten(-2)

    def _attended(self, op: ops.Attention, slopes: Tensor | None) -> Tensor:
        import torch

        shared = op.heads // op.kv_heads
        q, k, v = (self.buffers[name].unflatten(-1, (-1, op.head)) for name in (op.q, op.k, op.v))
        k, v = k.repeat_interleave(shared, dim=2), v.repeat_interleave(shared, dim=2)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * op.scale
        distance = self._positions - self._positions[:, None]  # [q, k], 0 for the position itself
        if slopes is not None:
            scores = scores + slopes[:, None, None] * distance
        unseen = (distance > 0) | (distance <= -(op.window or len(distance)))
        weights = scores.masked_fill(unseen, float("-inf")).softmax(-1)
        return torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(-2)


def _function(name: ops.Activation) -> Callable[[Tensor], Tensor]:
    from torch.nn import functional

    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "silu": functional.silu,
        "gelu": functional.gelu,
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
        "relu": functional.relu,
    }
    return functions[name]
