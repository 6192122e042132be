"""One operation while its graph is checked: what it may ask, and how it refuses."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tabulae.errors import ModelError
from tabulae.program.value import Int, Rows, Value


class Checked(Protocol):
    """What an operation says of itself."""

    def reads(self) -> tuple[str, ...]: ...

    def writes(self) -> tuple[str, ...]: ...


class Check:
    """The values and constants of a graph, as an operation sees them."""

    def __init__(
        self,
        where: str,
        values: Mapping[str, Value],
        constants: Mapping[str, tuple[float, ...]],
        context: int,
    ) -> None:
        self.where, self.values = where, values
        self.constants, self.context = constants, context

    def must(self, holds: bool, must: str, got: object, where: str = "") -> None:
        """Refuse, naming the operation, or ``where``.

        :raises ModelError: it does not hold
        """
        if not holds:
            raise ModelError(where or self.where, must, got)

    def width(self, name: str) -> int:
        """Numbers of a value in one position."""
        return self.values[name].width

    def one_axis(self, op: Checked) -> None:
        """All values must hold the same positions."""
        axes = sorted({str(self.values[name].axis) for name in (*op.reads(), *op.writes())})
        self.must(len(axes) == 1, "all values must hold the same positions", axes)

    def all_positions(self, op: Checked) -> None:
        """What looks at other positions needs all of them."""
        axes = {self.values[name].axis for name in (*op.reads(), *op.writes())}
        self.must(axes == {"positions"}, "the input must hold all positions", "only those selected")

    def one_shape(self, op: Checked) -> None:
        """Element by element: inputs and outputs are alike."""
        self.one_axis(op)
        shapes = [list(self.values[name].shape[1:]) for name in (*op.reads(), *op.writes())]
        self.must(all(shape == shapes[0] for shape in shapes), "inputs and output must be equally wide", shapes)

    def all_integers(self, op: Checked) -> None:
        """Element by element, integers in and out."""
        self.one_shape(op)
        for name in (*op.reads(), *op.writes()):
            self.integers(name)

    def integers(self, name: str) -> tuple[int, int]:
        """The interval of a value, which must be of integers."""
        kind = self.values[name].type
        if not isinstance(kind, Int):
            raise ModelError(self.where, f"{name} must be of integers", "float32")
        return kind.interval()

    def bands(self, bands: Sequence[Rows | None], whole: int, where: str = "") -> None:
        """A weight that is whole, or bands that follow one another from the first row to the last."""
        self.must(len(bands) == 1 or None not in bands, "it must be written once, or in bands", len(bands), where)
        ends = [0]
        for begin, end in (rows or (0, whole) for rows in bands):
            must = "bands must follow one another and not be empty"
            self.must(begin == ends[-1] < end, must, f"{begin}:{end}", where)
            ends.append(end)
        self.must(ends[-1] == whole, f"bands must end at row {whole}", ends[-1], where)
