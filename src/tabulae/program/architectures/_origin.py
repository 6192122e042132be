"""Where canonical tensors come from: a source's tensor, which part of it, and what undoes the source's habits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s

FEW = 16  # rows are read one by one if fewer than one in so many is wanted


class Source(Protocol):
    """What architectures need of a trained model: a part of ``tabulae.sources.Source``."""

    @property
    def kind(self) -> str:
        """Whose names and keys it uses: ``"gguf"``, ``"huggingface"``."""
        ...

    @property
    def family(self) -> Any:
        """What it calls its architecture."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """GGUF: the key-value fields; Hugging Face: config.json."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """All tensors."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """NumPy order."""
        ...

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        """The tensor, or some of its rows, in memory of its own."""
        ...


@dataclass(frozen=True, eq=False)
class Origin:
    """One canonical tensor: of the source's ``name`` the matrix ``index``, transposed or not, some ``rows`` of it,
    ``times`` and then ``plus`` a number.

    Of a tensor that is stored row by row only the span of its rows is read, of a stack only the one matrix.
    """

    name: str
    index: int | None = None  # of the first axis, where the source stacks matrices (experts)
    transposed: bool = False
    rows: Int64s | None = None  # of the (transposed) matrix; None: all, in order
    times: float = 1.0
    plus: float = 0.0
    shape: tuple[int, ...] = ()  # canonical; filled in by Architecture.tensors

    @property
    def is_part(self) -> bool:
        """Whether others may take the rest of the tensor."""
        return self.rows is not None or self.index is not None

    def _whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the matrix of such a source tensor, turned as the canonical one."""
        shape = shape if self.index is None else shape[1:]
        return shape[::-1] if self.transposed else shape

    def canonical_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The canonical shape that a source tensor of this shape gives."""
        whole = self._whole(shape)
        return whole if self.rows is None else (len(self.rows), *whole[1:])

    def count(self, shape: tuple[int, ...]) -> int:
        """How many rows such a source tensor has; those of a stack are counted through all its matrices."""
        return self._whole(shape)[0] * (1 if self.index is None else shape[0])

    def cells(self, shape: tuple[int, ...]) -> Int64s:
        """Which of them are taken."""
        each = self._whole(shape)[0]
        return (np.arange(each) if self.rows is None else self.rows) + each * (self.index or 0)

    def read(self, source: Source) -> Float32s:
        """The canonical tensor, float32, contiguous."""
        if self.rows is None:
            return self._finished(self._read(source, None))
        first = int(self.rows.min())
        return self._finished(self._read(source, slice(first, int(self.rows.max()) + 1))[self.rows - first])

    def read_rows(self, source: Source, wanted: Int64s) -> Float32s:
        """Some rows, ascending, of the canonical tensor; of a large one nothing else is read, if rows are rows."""
        if self.transposed or self.index is not None or FEW * len(wanted) > self.shape[0]:
            return self.read(source)[wanted]
        rows = wanted if self.rows is None else self.rows[wanted]
        return self._finished(np.concatenate([source.read(self.name, slice(row, row + 1)) for row in rows.tolist()]))

    def _read(self, source: Source, rows: slice | None) -> Float32s:
        """These rows of the matrix, turned as the canonical one."""
        if self.index is None and not self.transposed:
            return source.read(self.name, rows)
        whole = None if self.index is None else slice(self.index, self.index + 1)
        x = source.read(self.name, whole)
        x = x if self.index is None else x[0]
        return (x.T if self.transposed else x)[rows or slice(None)]

    def _finished(self, x: Float32s) -> Float32s:
        x = x if self.times == 1 else x * np.float32(self.times)
        return np.ascontiguousarray(x + np.float32(self.plus) if self.plus else x)
