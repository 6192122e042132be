"""A program and its weights, handed to the native core: every weight is bound in place, nothing is copied.

Weights are float32 arrays or the parts of a table matrix as the file stores them, so a float model, a table
model and any mixture of both run through the same operations.
"""

from collections.abc import Mapping

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Float32s, Uint8s
from tabulae.arithmetic.hadamard import hadamard
from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import prove
from tabulae.artifact import layouts
from tabulae.artifact.parts import MatrixParts, parts_of, settled
from tabulae.artifact.records import TableRecord
from tabulae.errors import ModelError
from tabulae.program import operations as ops
from tabulae.program.consistency import buffers_of

Weight = Float32s | MatrixParts
BLOCK = 32
NONE = -1  # the native core's index for a weight or buffer that is not there


class Binding:
    """A native model with the indices of its weights by name."""

    def __init__(self, program: ops.Program, weights: Mapping[str, Weight]) -> None:
        self.program = program
        self.native = _native.Model()
        self.indices = {name: add_weight(self.native, weights[name]) for name in program.weights()}
        for name, values in program.constants.items():
            self.indices[name] = add_weight(self.native, np.array(values, np.float32))
        used = {name for op in program.operations for names in buffers_of(op) for name in names}
        self._buffers = {name: self.native.buffer(program.buffers[name]) for name in sorted(used)}
        try:
            for operation in program.operations:
                self._push(operation)
            self.native.finish(self._buffers[program.logits])
        except (ValueError, KeyError) as error:
            raise ModelError("program", "operations must fit their weights and buffers", error) from None

    def _weight(self, name: str | None) -> int:
        return NONE if name is None else self.indices[name]

    def _push(self, op: ops.AnyOperation) -> None:
        """One operation: names become indices."""
        native, buffer, weight, width = self.native, self._buffers, self._weight, self.program.buffers
        match op:
            case ops.Embed():
                native.embed(weight(op.weight), buffer[op.out], op.scale, ops.first_row(op.rows))
            case ops.EmbedPosition():
                native.embed_position(weight(op.weight), buffer[op.buffer], op.offset)
            case ops.RMSNorm():
                native.rms_norm(weight(op.weight), buffer[op.input], buffer[op.out], op.eps)
            case ops.LayerNorm():
                native.layer_norm(weight(op.weight), weight(op.bias), buffer[op.input], buffer[op.out], op.eps)
            case ops.Project():
                linears = [
                    [weight(one.weight), weight(one.bias), buffer[one.out], ops.first_row(one.rows)]
                    for one in op.linears
                ]
                native.project(buffer[op.input], linears)
            case ops.Rotary():
                native.rotary(buffer[op.buffer], weight(op.inv_freq), op.head, op.scale, weight(op.long), op.original)
            case ops.Attention():
                qkv = (buffer[op.q], buffer[op.k], buffer[op.v], buffer[op.out])
                shape = (op.layer, op.heads, op.kv_heads, op.head)
                native.attention(*qkv, *shape, op.scale, op.window or 0, weight(op.slopes))
            case ops.Activate():
                native.activate(op.fn, buffer[op.input], NONE, buffer[op.out], _order(op.deal, width[op.out]))
            case ops.Gate():
                native.activate(op.fn, buffer[op.gate], buffer[op.up], buffer[op.out], _order(op.deal, width[op.out]))
            case ops.Add():
                native.add(buffer[op.a], buffer[op.b], buffer[op.out])
            case ops.SoftCap():
                native.soft_cap(buffer[op.buffer], op.cap)
            case ops.Select():
                native.select(buffer[op.input], buffer[op.out])


def _order(deal: tuple[int, ...], width: int) -> list[int]:
    """The rank in every column, or nothing where they stay in order."""
    return ops.dealt_ranks(deal, width).tolist() if deal else []


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
