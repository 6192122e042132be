"""One linear as a table, for hosts that run everything else themselves."""

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Float32s
from tabulae.artifact.parts import MatrixParts
from tabulae.errors import ModelError, UsageError
from tabulae.runtime.binding import add_weight
from tabulae.runtime.engine import Arithmetic, check_options


class TableLinear:
    """``y = x @ W.T (+ bias)`` with the integers of the table, the same on every machine.

    >>> from tabulae.arithmetic.matrix import TableMatrix
    >>> from tabulae.runtime.binding import pack_matrix
    >>> eye = TableMatrix(np.eye(2, dtype=np.uint8), np.int16([0, 127]), np.float32([1, 1]), None, 2)
    >>> TableLinear(pack_matrix("w", eye))(np.float32([[4, -4]])).tolist()
    [[508.0, -508.0]]
    """

    def __init__(self, parts: MatrixParts, bias: Float32s | None = None) -> None:
        self._model = _native.Model()
        self._index = add_weight(self._model, parts)
        self.rows, self.cols = parts.record.rows, parts.record.cols
        self.bias = None if bias is None else np.ascontiguousarray(bias, np.float32)
        if self.bias is not None and self.bias.shape != (self.rows,):
            raise UsageError("bias", f"it must be float32 [{self.rows}]", list(self.bias.shape))

    def __call__(self, x: Float32s, *, threads: int = 1, arithmetic: Arithmetic = "auto", isa: str = "") -> Float32s:
        """Float32 [..., cols] -> [..., rows].

        :raises UsageError: ``x`` has another type or width, or an option is none
        :raises ModelError: an input is NaN or infinite
        """
        isa = check_options(threads, arithmetic, isa)
        if x.dtype != np.float32 or x.ndim < 1 or x.shape[-1] != self.cols:
            raise UsageError("linear", f"inputs must be float32 [..., {self.cols}]", f"{x.dtype} {list(x.shape)}")
        flat = np.ascontiguousarray(x.reshape(-1, self.cols))
        try:
            y = self._model.project(self._index, flat, self.bias, threads, arithmetic == "lookup", isa)
        except _native.NotFiniteError:
            raise ModelError("linear", "every input must be finite", "NaN or infinity") from None
        return y.reshape(*x.shape[:-1], self.rows)
