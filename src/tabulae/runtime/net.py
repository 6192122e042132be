"""A net on the native core: examples in, integers out, the same as the interpreter's to the last one.

>>> from tabulae.nets.builder import Builder
>>> from tabulae.program.net import Reading
>>> from tabulae.program.ops.reduce import Reduce
>>> net = Builder()
>>> x = net.input("x", (3,), 0, 15, Reading(10.0, 0.5), unit=0.1)
>>> built = net.built((net.add(Reduce(x, "sum", "sum", 0), (1,), unit=0.1),))
>>> model = NetModel(*built)
>>> model(np.array([[1, 2, 15]]))
{'sum': array([[18]], dtype=int32)}
>>> model.numbers(model(np.array([[0.1, 0.2, 99.0]])))
{'sum': array([[1.8]])}
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float64s, Int32s, Integers
from tabulae.errors import UsageError
from tabulae.program.net import Net
from tabulae.program.proof import Range
from tabulae.program.value import Int
from tabulae.runtime.binding import Binding
from tabulae.runtime.engine import BATCH, Engine, Part

Given = npt.NDArray[Any]


class NetModel:
    """A net, its stored integers and what runs it. ``isa`` and ``threads`` change the speed, never an integer.

    :raises ModelError: arrays that do not fit, or with which an integer could leave its interval
    """

    def __init__(self, program: Net, arrays: Mapping[str, Integers], *, threads: int = 1, isa: str = "") -> None:
        program.check()
        program.check_shapes({name: array.shape for name, array in arrays.items()})
        program.check_integers(arrays)
        self.program = program
        self.engine = Engine(Binding(program, {}, arrays), threads=threads, isa=isa)
        self.sequence = self.engine.sequence(BATCH)  # it keeps nothing
        self._ranges = {name: Range.of(program.values[name]) for name in program.inputs}

    def __call__(self, inputs: Mapping[str, Given] | Given) -> dict[str, Int32s]:
        """The integers of all outputs [examples, ..], of inputs [examples, ..] by name, or of the only one.

        Integers are taken as they are, floats as the net reads them (:class:`Reading`).

        :raises UsageError: another input, shape or type; an integer outside of its interval, or NaN
        """
        given = self._named(inputs)
        rows = {name: self._integers(name, np.asarray(x)) for name, x in given.items()}
        counts = {name: len(x) for name, x in rows.items()}
        if len({*counts.values()}) > 1:
            raise UsageError("inputs", "all must have as many examples", counts)
        with self.engine.turns.turn():
            return self._run(rows, next(iter(counts.values())))

    def numbers(self, outputs: Mapping[str, Integers]) -> dict[str, Float64s]:
        """Values of the net in their units."""
        offsets = self.program.offsets
        return {
            name: np.asarray(x, np.float64) * np.asarray(self._type(name).unit) + np.asarray(offsets.get(name, 0.0))
            for name, x in outputs.items()
        }

    def _run(self, rows: Mapping[str, Int32s], n: int) -> dict[str, Int32s]:
        """In batches as the engine has them; what an example gives does not depend on the cut."""
        asked, batches = self.program.outputs, []
        for first in range(0, n, BATCH):
            parts = [Part(self.sequence, min(BATCH, n - first), 0, 0)]
            batches.append(self.engine.batch(parts, {k: x[first : first + BATCH] for k, x in rows.items()}, asked))
        found = zip(*batches, strict=True) if batches else [(np.zeros(0, np.int32),)] * len(asked)
        static = (self.program.values[name].static for name in asked)
        return {name: np.concatenate(x).reshape(n, *s) for name, x, s in zip(asked, found, static, strict=True)}

    def _named(self, inputs: Mapping[str, Given] | Given) -> Mapping[str, Given]:
        names = self.program.inputs
        accepted = f"its inputs are {', '.join(names)}"
        if not isinstance(inputs, Mapping):
            if len(names) > 1:
                raise UsageError("inputs", "several must be given by name", "one array", accepted)
            return {names[0]: inputs}
        if {*inputs} != {*names}:
            raise UsageError("inputs", "every input of the net must be given, and no other", list(inputs), accepted)
        return inputs

    def _integers(self, name: str, x: Given) -> Int32s:
        shape = self.program.values[name].static
        if x.shape[1:] != shape or not x.ndim:
            must = f"its shape must be [examples, {', '.join(map(str, shape))}]"
            raise UsageError(f"input {name}", must, list(x.shape))
        if x.dtype.kind == "f":
            return self._read(name, x)
        if x.dtype.kind not in "iu":
            raise UsageError(f"input {name}", "it must hold integers or floats", x.dtype)
        self._must_lie_inside(name, x)
        return np.ascontiguousarray(x, np.int32)

    def _read(self, name: str, x: Given) -> Int32s:
        reading = self.program.readings.get(name)
        if reading is None:
            hint = "give what they stand for as integers"
            raise UsageError(f"input {name}", "the net must say how it reads floats", f"no reading, {x.dtype}", hint)
        return reading.integers(x, self._ranges[name]).astype(np.int32)

    def _must_lie_inside(self, name: str, x: Given) -> None:
        kind, (low, high) = self._type(name), self._ranges[name]
        if isinstance(kind.low, int) and isinstance(kind.high, int):  # one comparison for all, not one for each
            holds = not x.size or (kind.low <= x.min() and x.max() <= kind.high)
        else:
            holds = bool((x >= low).all() and (x <= high).all())
        if not holds:
            raise UsageError(
                f"input {name}", f"it must lie in {kind.interval()}, per channel", (int(x.min()), int(x.max()))
            )

    def _type(self, name: str) -> Int:
        kind = self.program.values[name].type
        assert isinstance(kind, Int)
        return kind
