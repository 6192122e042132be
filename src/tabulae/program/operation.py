"""What an operation is: a record whose fields say by their *role* what they name, and four meanings of it.

An operation is one file in ``ops/``: record, check, NumPy meaning, what passes may do to it. Its native meaning is one
file in ``native/operations/``, its meaning in torch, if it has one, one in ``torch_ops/``. Whatever asks which buffers,
tensors or states an operation uses asks for roles and knows no class.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

import msgspec

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.passes import Bases, Carry
from tabulae.program.proof import Proof, Range
from tabulae.program.value import Rows, State, Value

Role = Literal["in", "out", "in-out", "table", "vector", "array", "constant", "state"]


In = Annotated[str, msgspec.Meta(extra={"role": "in"})]  # values
Out = Annotated[str, msgspec.Meta(extra={"role": "out"})]
InOut = Annotated[str, msgspec.Meta(extra={"role": "in-out"})]
Table = Annotated[str, msgspec.Meta(extra={"role": "table"})]  # a matrix that may be stored as integers of a codebook
Vector = Annotated[str, msgspec.Meta(extra={"role": "vector"})]  # stays float32: of a file, or of the graph's constants
Array = Annotated[str, msgspec.Meta(extra={"role": "array"})]  # integers as they are stored
Constant = Annotated[str, msgspec.Meta(extra={"role": "constant"})]  # one of the graph's constants
Kept = Annotated[str, msgspec.Meta(extra={"role": "state"})]


class Divisor(NamedTuple):
    """The length of an axis that must divide ``of``."""

    of: int


Shape = tuple[int | Divisor | None, ...]  # None: of any length


class Record(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of an operation; its fields have roles too."""

    def names(self, *roles: Role) -> tuple[str, ...]:
        """What fields of these roles name, in the order of the fields, parts included.

        >>> from tabulae.program.ops.project import Linear, Project
        >>> Project("h", (Linear("w", "q", "b"), Linear("v", "k"))).names("table", "vector")
        ('w', 'b', 'v')
        """
        return tuple(name for role, name in named(self) if role in roles)


class Linear(Record, frozen=True):
    """One linear of an operation: ``out = input @ weight.T (+ bias)``.

    A linear may stand in *bands* of its rows, one after another, all with the bias of the whole.
    """

    weight: Table  # [rows, cols]
    out: Out
    bias: Vector | None = None
    rows: Rows | None = None  # of a band: the columns of ``out`` that it gives


class Projection(NamedTuple):
    """Linears that see the same rows of a value, which is encoded once for all of them."""

    input: str
    linears: tuple[Linear, ...]


class Operation(Record, frozen=True, tag_field="op"):
    """Base of all operations; what is not overridden is what an operation is that no pass may touch."""

    @property
    def tag(self) -> str:
        """Its name in files."""
        return str(self.__struct_config__.tag)

    def reads(self) -> tuple[str, ...]:
        """The values that it reads."""
        return self.names("in", "in-out")

    def writes(self) -> tuple[str, ...]:
        """The values that it writes, each once."""
        return tuple(dict.fromkeys(self.names("out", "in-out")))

    def addresses(self) -> tuple[str, ...]:
        """The values whose integers say where it reads or writes, and must lie in their intervals for it to be safe."""
        return self.names("in", "in-out", "out")

    def projections(self) -> Iterator[Projection]:
        """Its linears, those together that see the same inputs."""
        yield from ()

    def check(self, at: Check) -> None:
        """Refuse fields that do not fit the values and constants of the graph."""

    def tensors(self, at: Check) -> Iterator[tuple[str, Shape]]:
        """Name and shape of every tensor that it reads."""
        yield from ()

    def keeps(self) -> Iterator[tuple[str, State]]:
        """Name and shape of every state that it keeps."""
        yield from ()

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        """Every value of integers that it writes, and between which ends these lie, from what it reads."""
        yield from ()

    def run(self, at: Env) -> None:
        """What it means, to the last bit."""
        raise NotImplementedError(self.tag)

    def bases(self, at: Bases) -> None:
        """Which of its values and sides of tensors share a basis; by default none may be rotated or permuted."""
        at.forbid(f"{self.tag} looks at single columns")

    def carries(self, values: Mapping[str, Value]) -> Carry | None:
        """Where a factor per channel passes through it, if anywhere."""
        return None


def named(record: Record) -> Iterator[tuple[Role, str]]:
    """Role and name of every field that has a role and is not None."""
    for field, role in roles(type(record)).items():
        value = getattr(record, field)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Record):
                yield from named(one)
            elif role is not None and one is not None:
                yield role, one


@cache
def roles(record: type[Record]) -> dict[str, Role | None]:
    """The role of every field; None for those that are numbers, or parts with roles of their own."""
    return {name: _role_of(hint) for name, hint in get_type_hints(record, include_extras=True).items()}


def _role_of(hint: Any) -> Role | None:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra and "role" in meta.extra:
            said: Role = meta.extra["role"]
            return said
    return next((role for part in get_args(hint) if (role := _role_of(part))), None)
