"""A net that grows operation by operation; the type of every value is what can be proved of it.

>>> net = Builder()
>>> x = net.input("x", (3,), 0, 15)
>>> y = net.add(ShiftAdd((Term(x, shift=2), Term(x, negative=True)), "y"), (3,))
>>> net.built((y,)).program.values["y"].type
Int(low=-15, high=60, unit=1.0)
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s, Integers
from tabulae.errors import ModelError
from tabulae.program.checking import Check
from tabulae.program.graph import check_tensors
from tabulae.program.net import Net, Reading
from tabulae.program.operation import Operation
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.proof import LIMIT, Proof, Range
from tabulae.program.value import Int, Value

__all__ = ["Builder", "Built", "ShiftAdd", "Term", "narrow"]

Unit = float | tuple[float, ...]
WIDTHS = [np.dtype(one) for one in ("u1", "i1", "u2", "i2", "i4")]  # that arrays are stored with


class Built(NamedTuple):
    """A net and the integers that it reads."""

    program: Net
    arrays: dict[str, Integers]


class Builder:
    """Operations, values and arrays so far."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.values: dict[str, Value] = {}
        self.arrays: dict[str, Integers] = {}
        self.ranges: dict[str, Range] = {}
        self._inputs: list[str] = []
        self._readings: dict[str, Reading] = {}

    def input(
        self, name: str, shape: tuple[int, ...], low: int, high: int, reading: Reading | None = None, unit: Unit = 1.0
    ) -> str:
        """An input; every channel lies in ``low..high``. Its name."""
        self._inputs.append(name)
        self._declare(name, shape, Range(*(np.full(shape[-1], end, np.int64) for end in (low, high))), unit)
        if reading is not None:
            self._readings[name] = reading
        return name

    def array(self, name: str, values: Int64s) -> str:
        """Integers to store, as narrow as they are; equal ones of one name are one. The name."""
        self.arrays[name] = narrow(values)
        return name

    def add(self, op: Operation, shape: tuple[int, ...], unit: Unit = 1.0) -> str:
        """One operation that writes a value of that shape; the value's name.

        :raises ModelError: it does not fit its values or its arrays, or a sum may leave 32 bits
        """
        self._declare(op.writes()[0], shape, None, unit)
        where = f"operation {len(self.operations)}, {op.tag}"
        at = Check(where, self.values, {}, 1)
        op.check(at)
        check_tensors(op, at, {name: array.shape for name, array in self.arrays.items()})
        for name, found in op.proves(Proof(where, self.values, self.arrays, self.ranges)):
            self._declare(name, shape, found, unit)
        self.operations.append(op)
        return op.writes()[0]

    def built(
        self,
        outputs: Iterable[str],
        labels: tuple[str, ...] = (),
        offsets: Mapping[str, float | tuple[float, ...]] | None = None,
    ) -> Built:
        """The net, checked.

        :raises ModelError: operations that do not fit their values
        """
        made = tuple(self.operations), self.values, tuple(self._inputs), tuple(outputs)
        program = Net(*made, readings=self._readings, offsets=dict(offsets or {}), labels=labels)
        program.check()
        return Built(program, self.arrays)

    def _declare(self, name: str, shape: tuple[int, ...], found: Range | None, unit: Unit) -> None:
        if found is not None:
            self.ranges[name] = found
        kind = Int(-LIMIT, LIMIT) if found is None else found.typed(unit)
        self.values[name] = Value(("positions", *shape), kind)


def narrow(values: Int64s) -> Integers:
    """The same integers in the narrowest type that holds them.

    >>> narrow(np.array([-1, 200])).dtype, narrow(np.array([0, 200])).dtype
    (dtype('int16'), dtype('uint8'))
    """
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    fitting = next((one for one in WIDTHS if np.iinfo(one).min <= low and high <= np.iinfo(one).max), None)
    if fitting is None:
        raise ModelError("array", "its integers must fit 32 bits", (low, high), "scales lie too far apart")
    return np.ascontiguousarray(values, fitting)
