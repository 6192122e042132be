"""Elements that are put elsewhere, where whatever reads them cannot read them as they stand."""

from tabulae.program.operation import Operation
from tabulae.program.ops.take import Piece, Take
from tabulae.targets.c.source import Source
from tabulae.targets.c.types import literal
from tabulae.targets.c.walk import at, walked, walks
from tabulae.targets.steps import Step
from tabulae.targets.views import View


def accepts(op: Operation, view: View) -> bool:
    """Pieces are numbers of elements that stand one after the other."""
    return view.is_whole()


def emit(step: Step, source: Source) -> None:
    """Fill where no piece stands, then piece by piece."""
    op = step.op
    assert isinstance(op, Take)
    shape, out = source.shape(op.out), source.names[op.out]
    inner = tuple(_product(shape[axis + 1 :]) for axis in range(len(shape)))
    if _product(shape) > sum(_product(piece.box(shape)[1]) for piece in op.pieces):
        fill = walked(walks(shape, {"y": inner}), [f"*y = {literal(op.fill)};"])
        name = source.function(f"fill_{out}", f"{op.out}: {op.fill} everywhere", f"{source.kind(op.out)} *y", fill)
        source.calls.append(f"{name}({out});")
    for piece in op.pieces:
        _piece(piece, step, source, inner)


def _piece(piece: Piece, step: Step, source: Source, inner: tuple[int, ...]) -> None:
    op, given = step.op, step.views[piece.input]
    assert isinstance(op, Take)
    begin, size = piece.box(source.shape(op.out))
    body = walked(walks(size, {"x": piece.strides, "y": inner}), ["*y = *x;"])
    parameters = f"const {source.kind(given.value)} *x, {source.kind(op.out)} *y"
    about = f"{piece.input} -> {op.out}: {list(size)} elements at {list(begin)}"
    name = source.function(f"take_{source.names[op.out]}", about, parameters, body)
    to = sum(first * step for first, step in zip(begin, inner, strict=True))
    source.calls.append(
        f"{name}({source.at(given._replace(base=given.base + piece.base))}, {at(source.names[op.out], to)});"
    )


def _product(counts: tuple[int, ...]) -> int:
    found = 1
    for count in counts:
        found *= count
    return found
