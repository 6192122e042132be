"""What a net does, as a target does it: operations in order, without those that only say where elements stand."""

from typing import NamedTuple

from tabulae.errors import ModelError
from tabulae.program.graph import Graph
from tabulae.program.operation import Operation
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.products import Products
from tabulae.targets.views import Accepts, View, stored, views


class Step(NamedTuple):
    """One operation; sums of products that only become codes do so at once, and are never stored as a whole."""

    op: Operation
    views: dict[str, View]  # of all that it reads
    encode: Encode | None = None

    @property
    def out(self) -> str:
        """The value that it stores."""
        return (self.encode or self.op).writes()[0]

    def reads(self) -> set[str]:
        """The stored values that it reads."""
        return {view.value for view in self.views.values()}


def steps(program: Graph, accepts: Accepts) -> tuple[Step, ...]:
    """The steps that make the outputs; what no output needs is left out.

    :raises ModelError: an output that no operation writes
    """
    _check(program)
    seen, encoders = views(program, accepts), _encoders(program)
    done = {op.out for op in encoders.values()}
    needed, found = set(program.outputs), list[Step]()
    for op in reversed(program.operations):
        encode = encoders.get(op.writes()[0])
        out = op.writes()[0] if encode is None else encode.out
        if out not in needed or (encode is None and out in done) or op.writes()[0] in seen:
            continue
        step = Step(op, {name: seen.get(name, stored(name, program.values[name])) for name in op.reads()}, encode)
        needed |= step.reads()
        found.append(step)
    return tuple(reversed(found))


def _encoders(program: Graph) -> dict[str, Encode]:
    """By sums of products: the one operation that reads them, if that makes codes of them."""
    sums = {op.out for op in program.operations if isinstance(op, Products)} - set(program.outputs)
    readers: dict[str, list[Operation]] = {name: [] for name in sums}
    for op in program.operations:
        for name in sums.intersection(op.reads()):
            readers[name].append(op)
    return {name: ops[0] for name, ops in readers.items() if len(ops) == 1 and isinstance(ops[0], Encode)}


def _check(program: Graph) -> None:
    """Checked graphs write a value once and give an output once; a target also writes all of them itself."""
    written = {name for op in program.operations for name in op.writes()}
    for name in program.outputs:
        if name not in written:
            raise ModelError(f"output {name}", "an operation must write it", "an input")
