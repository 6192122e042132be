"""A graph and its weights, handed to the native core: every weight is bound in place, nothing is copied.

Weights are float32 arrays or the parts of a table matrix as the file stores them, so a float model, a table
model and any mixture of both run through the same operations.
"""

from collections.abc import Mapping

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Float32s, Int32s, Integers, Uint8s
from tabulae.arithmetic.hadamard import hadamard
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import prove
from tabulae.artifact import layouts
from tabulae.artifact.parts import MatrixParts, parts_of, settled
from tabulae.artifact.records import TableRecord
from tabulae.errors import ModelError
from tabulae.program.graph import Decoder, Graph
from tabulae.program.operation import Record, Role, roles
from tabulae.runtime.buffers import buffers, intervals

Weight = Float32s | MatrixParts
BLOCK = 32
NONE = -1  # the native core's index for a weight that is not there


class Binding:
    """A native model, with the indices of its weights, arrays, values and states by name.

    What is stored as integers is copied. Who binds has it proved before (:meth:`Graph.check_integers`): the core checks
    that no array leads out of another, and trusts that integers lie in the intervals of their values.
    """

    def __init__(
        self, program: Graph, weights: Mapping[str, Weight], arrays: Mapping[str, Integers] | None = None
    ) -> None:
        self.program = program
        self.native = _native.Model()
        self.indices = {name: add_weight(self.native, weights[name]) for name in program.weights()}
        for name, values in program.constants.items():
            self.indices[name] = add_weight(self.native, np.array(values, np.float32))
        self.arrays = {name: self.native.array(_widened(name, (arrays or {})[name])) for name in program.arrays()}
        self.buffers = buffers(program)
        kept = intervals(program)
        self.values = {
            name: self.native.value(value.axis == "wanted", value.static, kept[name], self.buffers[name])
            for name, value in program.values.items()
        }
        self.states = {name: self.native.state(it.width, it.per_position) for name, it in program.states.items()}
        try:
            for operation in program.operations:
                self.native.push(operation.tag, self._fields(operation))
        except (ValueError, KeyError) as error:
            raise ModelError("program", "operations must fit their weights, arrays and values", error) from None

    @property
    def decoder(self) -> Decoder:
        """The graph, if it is one that takes tokens.

        :raises ModelError: it is not
        """
        if not isinstance(self.program, Decoder):
            raise ModelError("program", "sequences of tokens need a decoder", type(self.program).__name__)
        return self.program

    def _fields(self, record: Record) -> dict[str, object]:
        """The fields of an operation, what they name as indices; numbers that are None are left out."""
        fields: dict[str, object] = {}
        for name, role in roles(type(record)).items():
            value = getattr(record, name)
            if isinstance(value, tuple) and value and isinstance(value[0], Record):
                fields[name] = [self._fields(part) for part in value]
            elif role is not None:
                fields[name] = self._named(role, value)
            elif value is not None:
                fields[name] = value
        return fields

    def _named(self, role: Role, name: str | tuple[str, ...] | None) -> int | list[int]:
        """What one field names, or several of a tuple."""
        if isinstance(name, tuple):
            return [self._index(role, one) for one in name]
        return self._index(role, name)

    def _index(self, role: Role, name: str | None) -> int:
        if name is None:
            return NONE
        places = {"in": self.values, "out": self.values, "in-out": self.values, "state": self.states}
        places["array"] = self.arrays
        return places.get(role, self.indices)[name]


def _widened(name: str, array: Integers) -> Int32s:
    """As the core has them.

    :raises ModelError: they need more than 32 bits
    """
    ends = np.iinfo(np.int32)
    if not np.can_cast(array.dtype, np.int32) and not (array.min() >= ends.min and array.max() <= ends.max):
        raise ModelError(name, "stored integers must have 32 bits", (int(array.min()), int(array.max())))
    return np.ascontiguousarray(array, np.int32)


def add_weight(native: _native.Model, weight: Weight) -> int:
    """Bind one weight; its index. A vector becomes a matrix of one row."""
    if isinstance(weight, MatrixParts):
        return _add_table(native, weight)
    return native.float_matrix(np.ascontiguousarray(np.atleast_2d(weight), np.float32))


def _add_table(native: _native.Model, parts: MatrixParts) -> int:
    record = parts.record
    if record.layout not in _native.LAYOUTS:
        accepted = f"accepted: {', '.join(_native.LAYOUTS)}; build the table model in one of these"
        raise ModelError(f"tensor {record.name}", "kernels must know its layout", record.layout, accepted)
    rotation = record.rotation or ()
    return native.table_matrix(
        rows=record.rows,
        cols=record.cols,
        bits=record.bits,
        exponents=record.exponents,
        group=-(-record.group // BLOCK),
        chunk=record.chunk,
        codes=parts.codes,
        codebook=parts.codebook.astype(np.int16),
        multipliers=None if parts.multipliers is None else parts.multipliers.reshape(-1),
        scales=parts.scales,
        outlier_offsets=parts.outlier_offsets,
        outlier_columns=parts.outlier_columns,
        outlier_values=None if parts.outlier_values is None else parts.outlier_values.astype(np.int32),
        wide=record.codepoint_bytes == 2,
        signs=None if parts.signs is None else _signs(parts.signs, record.cols),
        orders=list(rotation),
        dense=[hadamard(order).astype(np.float32) for order in rotation if _is_dense(order)],
        layout=record.layout,
    )


def _signs(packed: Uint8s, cols: int) -> Float32s:
    bits = np.unpackbits(packed, count=cols, bitorder="little")
    return np.where(bits, np.float32(-1), np.float32(1))


def _is_dense(order: int) -> bool:
    """Neither a power of two nor an odd remainder: the core needs the matrix."""
    return order % 2 == 0 and order & (order - 1) != 0


def pack_matrix(name: str, matrix: TableMatrix, layout: str = "panel16") -> MatrixParts:
    """The parts of a matrix that is in no file: packed, its widths proved.

    >>> eye = TableMatrix(np.eye(2, dtype=np.uint8), np.int16([0, 127]), np.float32([1, 1]), None, 2)
    >>> pack_matrix("w", eye).codes.nbytes
    64
    """
    plan = TableRecord.planned(
        name,
        rows=matrix.rows,
        cols=matrix.cols,
        format="?",
        bits=matrix.bits,
        group=None if matrix.multipliers is None else matrix.group,
        tensor_scale=len(matrix.scales) == 1 and matrix.rows > 1,
        layout=layout,
        exponents=matrix.exponents,
        rotation=None if matrix.rotation is None else tuple(matrix.rotation.factors),
        outliers=0 if matrix.outliers is None else len(matrix.outliers.values),
    )
    widths = prove(matrix)
    record = settled(plan, matrix, widths)
    parts = parts_of(record, matrix, widths)
    record.check(parts)
    return MatrixParts(record, layouts.find(layout).pack(matrix.codes, matrix.bits), **parts)
