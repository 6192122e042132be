"""Graphs: operations over named values, and the decoder, which is one with a vocabulary.

A graph is a straight list of operations on named *values* of a fixed shape and type; a value may be written again and
again. It names its weights by the canonical (Hugging Face) tensor names and never holds them, so one graph serves float
weights and table weights alike. The meaning of every operation, to the last bit, is its NumPy one
(``interpreter.py``); the native core and all targets must give the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from tabulae.errors import ModelError
from tabulae.program.checking import Check
from tabulae.program.operation import Divisor, Operation, Projection, Shape
from tabulae.program.proof import Arrays, Proof, Range
from tabulae.program.value import Int, Size, State, Value

if TYPE_CHECKING:
    AnyOperation = Operation
else:
    from tabulae.program.ops import AnyOperation

LARGEST = 2.0**128  # float32


class Graph(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"):
    """``operations`` on ``values``, from ``inputs`` to ``outputs``; ``states`` are what a sequence keeps."""

    operations: tuple[AnyOperation, ...]
    values: dict[str, Value]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    context: Size = 2**31 - 1  # the most positions that it was made for
    states: dict[str, State] = {}
    constants: dict[str, tuple[float, ...]] = {}  # float32 tensors that the graph brings itself: inv_freq, slopes

    def weights(self) -> tuple[str, ...]:
        """Names of all tensors that the graph reads, in order of first use, each once (tied: one name)."""
        names = (name for op in self.operations for name in op.names("table", "vector"))
        return tuple(dict.fromkeys(name for name in names if name not in self.constants))

    def arrays(self) -> tuple[str, ...]:
        """Names of all stored integers that the graph reads, in order of first use, each once."""
        return tuple(dict.fromkeys(name for op in self.operations for name in op.names("array")))

    def projections(self) -> Iterator[Projection]:
        """All linears, in order, those together that see the same inputs."""
        return (one for op in self.operations for one in op.projections())

    def linears(self) -> tuple[str, ...]:
        """Weights of all linears, in order, each once."""
        return tuple(dict.fromkeys(linear.weight for seen in self.projections() for linear in seen.linears))

    def tables(self) -> tuple[str, ...]:
        """The tensors that can be stored as tables, linears and embeddings, in order of first use."""
        return tuple(dict.fromkeys(name for op in self.operations for name in op.names("table")))

    def needs(self, begin: int, end: int) -> tuple[str, ...]:
        """The values that operations ``begin`` to ``end`` read before they write them, each once."""
        found, written = dict[str, None](), set[str]()
        for op in self.operations[begin:end]:
            found |= dict.fromkeys(name for name in op.reads() if name not in written)
            written.update(op.writes())
        return tuple(found)

    def inputs_of_linears(self) -> dict[str, str]:
        """The input of every linear, by the name of the first one that has it."""
        inputs: dict[str, str] = {}
        for seen in self.projections():
            for linear in seen.linears:
                inputs.setdefault(linear.weight, seen.linears[0].weight)
        return inputs

    def columns(self) -> dict[str, int]:
        """How many columns every linear has."""
        shapes = ((one.weight, self.values[seen.input].shape) for seen in self.projections() for one in seen.linears)
        return {weight: int(shape[-1]) for weight, shape in shapes}

    def check(self) -> None:
        """Refuse a graph that cannot run: it may come from a file, and what runs graphs trusts those that pass.

        :raises ModelError: naming the operation by its number and tag, or what else is wrong
        """
        written, kept = set(self.inputs), set[str]()
        for number, op in enumerate(self.operations):
            self._check_operation(f"program operation {number}, {op.tag}", op, written)
            written.update(op.writes())
            for name in op.names("state"):
                _must(f"program operation {number}, {op.tag}", name not in kept, "a state must be its own", name)
                kept.add(name)
        for name in self.outputs:
            _must("program", name in written, f"the {name} must be written", "nothing")
        for name, values in self.constants.items():
            finite = all(abs(v) < LARGEST for v in values)
            _must(f"constant {name}", finite, "its values must be finite float32", "others")

    def _check_operation(self, where: str, op: Operation, written: set[str]) -> None:
        reads, writes = op.reads(), op.writes()
        for name in (*reads, *writes):
            _must(where, name in self.values, "a value must be declared", name)
            _must(where, self.values[name].width > 0, f"the widths of {name} must be positive", self.values[name].width)
        for name in reads:
            _must(where, name in written, "a value must be written before it is read", name)
        for name in writes:
            _must(where, name not in self.inputs, "an input must not be written", name)
        for name, state in op.keeps():
            _must(where, self.states.get(name) == state, f"the state {name} must be declared as {state}", "another")
        op.check(self._at(where))

    def _at(self, where: str) -> Check:
        return Check(where, self.values, self.constants, self.context)

    def check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse weights that do not fit; ``shapes`` names them all.

        :raises ModelError: a tensor is missing or has another shape; it is named
        """
        known = {**shapes, **{name: (len(values),) for name, values in self.constants.items()}}
        for op in self.operations:
            check_tensors(op, self._at(op.tag), known)

    def prove(self, arrays: Arrays) -> dict[str, Range]:
        """Between which ends the integers of every value lie, whatever the inputs.

        :raises ModelError: an array that does not fit its operation, or a sum that may leave 32 bits
        """
        ranges = {name: Range.of(self.values[name]) for name in self.inputs if isinstance(self.values[name].type, Int)}
        for number, op in enumerate(self.operations):
            at = Proof(f"program operation {number}, {op.tag}", self.values, arrays, ranges)
            ranges |= op.proves(at)
        return ranges

    def check_integers(self, arrays: Arrays) -> None:
        """Refuse arrays with which a value may leave the interval that it is declared with.

        :raises ModelError: naming the value; as of :meth:`prove`
        """
        for name, found in self.prove(arrays).items():
            declared = Range.of(self.values[name])
            holds = bool((found.low >= declared.low).all() and (found.high <= declared.high).all())
            ends = found.typed().interval()
            _must(f"value {name}", holds, f"it must lie in {declared.typed().interval()}, per channel", ends)


class Decoder(Graph, frozen=True, tag="decoder"):
    """A language model: from ``tokens`` to logits, a distribution over as many."""

    @classmethod
    def of(
        cls,
        operations: Iterable[Operation],
        widths: Mapping[str, int | Value],
        vocabulary: int,
        context: int,
        constants: Mapping[str, tuple[float, ...]] | None = None,
    ) -> "Decoder":
        """What most decoders are: values with a width, those behind ``Select`` of the positions wanted alone."""
        operations, axis, values = tuple(operations), "positions", dict[str, Value]()
        for op in operations:
            axis = "wanted" if op.tag == "select" else axis
            for name in op.writes():
                width = widths[name]
                values.setdefault(name, width if isinstance(width, Value) else Value((axis, width)))  # type: ignore[arg-type]
        values |= {"tokens": Value(("positions",), Int(0, vocabulary - 1))}
        states = dict(kept for op in operations for kept in op.keeps())
        return cls(operations, values, ("tokens",), ("logits",), context, states, dict(constants or {}))

    @property
    def logits(self) -> str:
        """The value that holds them."""
        return self.outputs[0]

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self.values[self.logits].width

    def check(self) -> None:
        """As of any graph; and tokens are those that logits are of."""
        _must("program", self.inputs == ("tokens",), "its input must be the tokens", list(self.inputs))
        _must("program", len(self.outputs) == 1, "its output must be the logits", list(self.outputs))
        for name in (*self.inputs, *self.outputs):
            _must("program", name in self.values, "a value must be declared", name)
        tokens, logits = self.values["tokens"], self.values[self.logits]
        _must("program", logits.axis == "wanted", "the logits must be of the positions wanted", logits.axis)
        expected = Value(("positions",), Int(0, self.vocabulary - 1))
        _must("program", tokens == expected, f"the tokens must be 0 to {self.vocabulary - 1}", tokens)
        super().check()


def check_tensors(op: Operation, at: Check, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse tensors that do not fit one operation.

    :raises ModelError: a tensor is missing or has another shape; it is named
    """
    for name, expected in op.tensors(at):
        if name not in shapes:
            raise ModelError(name, "every weight of the program must be given", "nothing")
        _must_fit(name, shapes[name], expected)


def _must_fit(name: str, shape: tuple[int, ...], expected: Shape) -> None:
    fits = len(shape) == len(expected) and all(_fits(n, e) for n, e in zip(shape, expected, strict=True))
    if not fits:
        if len(shape) == 1 and isinstance(expected[0], Divisor):
            got = f"{shape[0]} for {expected[0].of} columns"
            raise ModelError(name, "a norm's length must divide its input", got)
        wanted = " x ".join(str(e) if isinstance(e, int) else "any" for e in expected)
        raise ModelError(name, f"the shape must be {wanted}", " x ".join(map(str, shape)))


def _fits(length: int, expected: int | Divisor | None) -> bool:
    if expected is None:
        return length > 0
    return length > 0 and expected.of % length == 0 if isinstance(expected, Divisor) else length == expected


def _must(where: str, holds: bool, must: str, got: object) -> None:
    if not holds:
        raise ModelError(where, must, got)
