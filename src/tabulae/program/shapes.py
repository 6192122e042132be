"""The shapes that a program expects of its weights."""

from collections.abc import Iterator, Mapping

from tabulae.errors import ModelError
from tabulae.program.operations import (
    Attention,
    Embed,
    EmbedPosition,
    LayerNorm,
    Program,
    Project,
    RMSNorm,
    Rows,
)

Shape = tuple[int, ...]


def check_shapes(program: Program, shapes: Mapping[str, Shape]) -> None:
    """Refuse weights that do not fit a program; ``shapes`` names them all.

    :raises ModelError: a tensor is missing or has another shape; it is named
    """
    known = {**shapes, **{name: (len(values),) for name, values in program.constants.items()}}
    for name, expected in expected_shapes(program):
        if name not in known:
            raise ModelError(name, "every weight of the program must be given", "nothing")
        _must_fit(name, known[name], expected)
    for op in program.operations:
        if isinstance(op, RMSNorm):
            _norm_must_fit(op.weight, known[op.weight][0], program.buffers[op.input])


def expected_shapes(program: Program) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Name and shape of every tensor in order of use, with repetitions; None where the program leaves it open."""
    width = program.buffers
    for op in program.operations:
        match op:
            case Embed():
                yield op.weight, (_count(op.rows, program.vocabulary), width[op.out])
            case EmbedPosition():
                yield op.weight, (program.context + op.offset, width[op.buffer])
            case RMSNorm():
                yield op.weight, (None,)
            case LayerNorm():
                yield from ((name, (width[op.input],)) for name in (op.weight, op.bias) if name is not None)
            case Project():
                for linear in op.linears:
                    yield linear.weight, (_count(linear.rows, width[linear.out]), width[op.input])
                    yield from ((name, (width[linear.out],)) for name in (linear.bias,) if name is not None)
            case Attention():
                yield from ((name, (op.heads,)) for name in (op.slopes,) if name is not None)


def _count(rows: Rows | None, whole: int) -> int:
    """How many rows a weight has, that may be a band of so many."""
    return whole if rows is None else rows[1] - rows[0]


def _must_fit(name: str, shape: Shape, expected: tuple[int | None, ...]) -> None:
    if len(shape) != len(expected) or any(e not in (None, n) for e, n in zip(expected, shape, strict=True)):
        wanted = " x ".join("any" if e is None else str(e) for e in expected)
        raise ModelError(name, f"the shape must be {wanted}", " x ".join(map(str, shape)))


def _norm_must_fit(name: str, length: int, columns: int) -> None:
    if length == 0 or columns % length:
        raise ModelError(name, "a norm's length must divide its input", f"{length} for {columns} columns")
