"""The C file while it grows: tables, hand-written pieces, functions, what lies in memory, what `run` does."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s, Integers
from tabulae.program.net import Net
from tabulae.program.proof import Arrays, Range
from tabulae.targets.c.names import comment, free, identifiers
from tabulae.targets.c.types import holding, narrowest, rows, typed
from tabulae.targets.c.walk import at, indented
from tabulae.targets.views import View

PIECES = frozenset(path.name.removesuffix(".c") for path in files("tabulae.targets.c").joinpath("pieces").iterdir())


class Options(NamedTuple):
    """What emitted C is made for.

    ``word``: bits of what the chip adds at once, 32 or 8: decides how products are looked up. ``vectors``: how many
    examples the test brings. ``form``: products in this form wherever it fits, and not in the one that costs least.
    """

    word: int = 32
    vectors: int = 20
    seed: int = 0
    form: str | None = None


class Scratch(NamedTuple):
    """Memory that one step needs for itself."""

    name: str
    kind: str
    size: int
    step: int


class Source:
    """What is known of the net, and what has been written of it."""

    def __init__(self, name: str, program: Net, arrays: Arrays, options: Options) -> None:
        self.program, self.arrays, self.options = program, arrays, options
        self.ranges = {**program.prove(arrays), **{name: Range.of(program.values[name]) for name in program.inputs}}
        self.reserved = PIECES | {f"{name}_run", *(f"{name.upper()}_{what}" for what in ("READ", "FLASH", "H"))}
        self.names = identifiers(program.values, self.reserved)
        self.tables: dict[str, Integers] = {}
        self.pieces: dict[str, str] = {}
        self.functions: list[str] = []
        self.calls: list[str] = []
        self.scratch: list[Scratch] = []
        self.notes: list[str] = []  # of every form that competed: what it is estimated to cost
        self.step = 0

    def kind(self, value: str) -> str:
        """The type that a value is stored with."""
        found = self.ranges[value]
        return holding(int(found.low.min()), int(found.high.max()))

    def at(self, view: View) -> str:
        """Where a view begins."""
        return at(self.names[view.value], view.base)

    def shape(self, value: str) -> tuple[int, ...]:
        """Of one example."""
        return self.program.values[value].static

    def array(self, name: str) -> Int64s:
        """Stored integers of the net, widened."""
        return self.arrays[name].astype(np.int64)

    def table(self, wanted: str, values: Integers) -> tuple[str, str]:
        """Store integers as narrow as they are, equal ones once. Name and type."""
        stored = narrowest(values)
        for name, there in self.tables.items():
            if there.dtype == stored.dtype and np.array_equal(there.reshape(-1), stored.reshape(-1)):
                return name, typed(there)
        name = self._free(wanted)
        self.tables[name] = stored
        return name, typed(stored)

    def piece(self, name: str) -> str:
        """Have a hand-written function in the file. Its name."""
        self.pieces[name] = files("tabulae.targets.c").joinpath("pieces", f"{name}.c").read_text("utf-8")
        return name

    def function(self, wanted: str, about: str, parameters: str, body: list[str]) -> str:
        """Write a function. Its name."""
        name = self._free(wanted)
        lines = [f"/* {comment(about)} */", f"static void {name}({parameters})", "{", *indented(body), "}"]
        self.functions.append("\n".join(lines))
        self.names[f"function {name}"] = name
        return name

    def room(self, wanted: str, kind: str, size: int) -> str:
        """Memory for this step alone. Its name."""
        name = self._free(wanted)
        self.scratch.append(Scratch(name, kind, size, self.step))
        self.names[f"scratch {name}"] = name
        return name

    def flash(self) -> int:
        """Bytes of all tables."""
        return sum(table.nbytes for table in self.tables.values())

    def _free(self, wanted: str) -> str:
        return free(wanted, {*self.tables, *self.reserved, *self.names.values()})


def table_text(name: str, values: Integers) -> str:
    """The definition of a table."""
    lines = indented(rows(values))
    return "\n".join([f"static const {typed(values)} {name}[{values.size}] FLASH = {{", *lines, "};"])
