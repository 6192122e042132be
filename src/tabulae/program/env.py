"""What an operation runs on in the reference interpreter: values of one run, states of one sequence, weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s, Integers
from tabulae.arithmetic.linear import apply, float_linear
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.errors import ModelError
from tabulae.program.value import Value

Weight = TableMatrix | Float32s


class Env:
    """``values`` are by name, of the positions ``start ..`` of a sequence that has room for ``context``.

    ``declared``: what they are, as the graph says it.
    """

    def __init__(
        self,
        declared: Mapping[str, Value],
        constants: Mapping[str, tuple[float, ...]],
        weights: Mapping[str, Weight],
        context: int,
        arrays: Mapping[str, Integers] | None = None,
    ) -> None:
        self.declared, self.weights, self.context = declared, weights, context
        self._arrays = arrays or {}
        self.constants = {name: np.array(values, np.float32) for name, values in constants.items()}
        self.values: dict[str, Any] = {}  # float32, or int64 where the type is Int
        self.states: dict[str, Float32s] = {}
        self.positions: Int64s = np.zeros(0, np.int64)
        self.wanted = slice(None)

    def vector(self, name: str) -> Float32s:
        """A float32 tensor: of the graph itself, or a weight."""
        found = self.constants[name] if name in self.constants else self.weights[name]
        if isinstance(found, TableMatrix):
            raise ModelError(name, "norms and biases must be float32", "a table matrix")
        return found

    def optional(self, name: str | None) -> Float32s | None:
        """A float32 tensor that need not be there."""
        return None if name is None else self.vector(name)

    def array(self, name: str) -> Int64s:
        """Stored integers, widened."""
        return self._arrays[name].astype(np.int64)

    def shaped(self, name: str) -> Int64s:
        """The integers of a value [positions, as it is declared]."""
        found: Int64s = self.values[name].reshape(-1, *self.declared[name].static)
        return found

    def rows(self, name: str, indices: Int64s) -> Float32s:
        """Rows of a table: those of table weights are decoded, ``float32(m c + o) * scale``."""
        weight = self.weights[name]
        if isinstance(weight, TableMatrix):
            if weight.rotation is not None:
                raise ModelError(name, "an embedding must not be rotated", "a rotated table matrix")
            return np.stack([weight.row(int(i)) for i in indices])
        return weight[indices]

    def project(self, name: str, x: Float32s, bias: Float32s | None = None) -> Float32s:
        """``x @ weight.T (+ bias)``, by activation codes where the weight is a table matrix."""
        weight = self.weights[name]
        return apply(weight, x, bias) if isinstance(weight, TableMatrix) else float_linear(weight, x, bias)

    def remember(self, name: str, x: Float32s) -> Float32s:
        """Put ``x`` at the positions of this run; all that the state holds then, what stood behind is forgotten."""
        start = int(self.positions[0])
        self.states[name] = np.concatenate([self.states[name][:start], x]) if start else x
        return self.states[name]
