"""The reference interpreter: a graph in plain NumPy, slow and obvious.

Every float operation is float32, rounded once, in the order written in ``ops/``; sums go in 16 lanes and a tree
(:func:`lanes_sum`). Kernels and targets must give these bits, whatever their threads and vector widths.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Integers
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.errors import ModelError, UsageError
from tabulae.program.env import Env, Weight
from tabulae.program.graph import Decoder, Graph


class Interpreter:
    """A graph with its weights and the states of one sequence.

    A linear with float weights runs in float32, one with a :class:`TableMatrix` through activation codes.
    ``context`` is what the sequence has room for, by default what the model was made for. ``arrays`` are stored
    integers: with them, all integers are proved to stay within the intervals that the graph declares.

    :raises ModelError: a weight or an array is missing, of the wrong shape, or may lead out of an interval
    """

    def __init__(
        self,
        program: Graph,
        weights: Mapping[str, Weight],
        context: int | None = None,
        arrays: Mapping[str, Integers] | None = None,
    ) -> None:
        arrays = arrays or {}
        program.check()
        shapes = {name: _shape(name, weight) for name, weight in weights.items()}
        program.check_shapes({**shapes, **{name: array.shape for name, array in arrays.items()}})
        program.check_integers(arrays)
        self.program = program
        self.length = 0  # positions in the states
        context = program.context if context is None else context
        self._env = Env(program.values, program.constants, weights, context, arrays)

    def run(self, inputs: Mapping[str, Any], start: int = 0, wanted: slice = slice(None)) -> dict[str, Any]:
        """All values after a run on ``inputs`` [positions, ...] at positions ``start``.. of the sequence."""
        env, n = self._env, len(next(iter(inputs.values())))
        env.values, env.wanted, env.positions = dict(inputs), wanted, np.arange(start, start + n)
        for op in self.program.operations:
            op.run(env)
        self.length = start + n
        return env.values

    def logits(self, tokens: Sequence[int], start: int = 0, wanted: Literal["all", "last"] = "last") -> Float32s:
        """Logits of ``tokens`` at positions ``start``.. , float32 [len(tokens) or 1, vocabulary], of a decoder.

        What the states hold before ``start`` is the context, so a prompt may come in pieces; the rest is forgotten.

        :raises UsageError: no tokens, an unknown one, a gap, or more than the context holds
        """
        program = self.program
        assert isinstance(program, Decoder)
        self._check(program, tokens, start)
        rows = slice(None) if wanted == "all" else slice(-1, None)
        logits: Float32s = self.run({"tokens": np.array(tokens, np.int64)}, start, rows)[program.logits]
        return logits

    def _check(self, program: Decoder, tokens: Sequence[int], start: int) -> None:
        size, context = program.vocabulary, self._env.context
        if not tokens or not all(0 <= token < size for token in tokens):
            got = "none" if not tokens else next(token for token in tokens if not 0 <= token < size)
            raise UsageError("tokens", f"tokens must be numbers in 0..{size - 1}, at least one", got)
        if not 0 <= start <= self.length:
            raise UsageError("start", f"the position must lie in 0..{self.length}, so that no gap is left", start)
        if start + len(tokens) > context:
            raise UsageError("tokens", f"the context holds {context} positions", start + len(tokens), "shorten it")


def _shape(name: str, weight: Weight) -> tuple[int, ...]:
    if isinstance(weight, TableMatrix):
        return weight.codes.shape
    if weight.dtype != np.float32:
        raise ModelError(name, "weights must be float32 or a table matrix", weight.dtype)
    return weight.shape
