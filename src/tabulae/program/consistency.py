"""Whether a program is one that can run: a program may come from a file, and executors trust what passes here."""

from collections.abc import Sequence
from math import prod

from tabulae.errors import ModelError
from tabulae.program.operations import (
    Activate,
    Add,
    AnyOperation,
    Attention,
    Embed,
    EmbedPosition,
    Gate,
    LayerNorm,
    Program,
    Project,
    RMSNorm,
    Rotary,
    Rows,
    Select,
    SoftCap,
    first_row,
)

FLOAT32 = 2.0**128
ANGLE = 2.0**20  # to which sine and cosine are right (arithmetic/polynomials.py)


def check_program(program: Program) -> None:
    """Refuse a program whose buffers are unknown, read before they are written, or of widths that do not fit.

    :raises ModelError: naming the operation by its number and tag
    """
    rows: dict[str, str] = {}  # buffer -> "all" positions or those "selected"
    layers: set[int] = set()
    _check_embeddings(program)
    for number, op in enumerate(program.operations):
        where = f"program operation {number}, {op.__struct_config__.tag}"
        reads, writes = buffers_of(op)
        _check_buffers(where, program, reads, writes, rows)
        _check_columns(where, op, program)
        kinds = {rows[name] for name in reads} or {"all"}
        _must(where, len(kinds) == 1, "all inputs must hold the same positions", sorted(kinds))
        if isinstance(op, EmbedPosition | Rotary | Attention | Select):
            _must(where, kinds == {"all"}, "the input must hold all positions", "only those selected")
        if isinstance(op, Attention):
            _must(where, op.layer not in layers, "every attention must have a cache of its own", f"layer {op.layer}")
            layers.add(op.layer)
        kind = "selected" if isinstance(op, Select) else kinds.pop()
        rows.update(dict.fromkeys(writes, kind))
    _must("program", program.logits in rows, "the logits must be written", program.logits)
    for name, values in program.constants.items():
        _must(f"constant {name}", all(abs(v) < FLOAT32 for v in values), "its values must be finite float32", "others")
    width = program.buffers[program.logits]
    _must("program", width == program.vocabulary, "the logits must be as many as the vocabulary", width)


def buffers_of(op: AnyOperation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The buffers that an operation reads and those that it writes."""
    match op:
        case Embed():
            return (op.out,) if first_row(op.rows) else (), (op.out,)
        case EmbedPosition() | Rotary() | SoftCap():
            return (op.buffer,), (op.buffer,)
        case RMSNorm() | LayerNorm() | Activate() | Select():
            return (op.input,), (op.out,)
        case Project():
            return (op.input,), tuple(linear.out for linear in op.linears)
        case Attention():
            return (op.q, op.k, op.v), (op.out,)
        case Gate():
            return (op.gate, op.up), (op.out,)
        case Add():
            return (op.a, op.b), (op.out,)


def _check_buffers(
    where: str, program: Program, reads: tuple[str, ...], writes: tuple[str, ...], rows: dict[str, str]
) -> None:
    for name in (*reads, *writes):
        _must(where, program.buffers.get(name, 0) > 0, "a buffer must have a positive width", name)
    for name in reads:
        _must(where, name in rows, "a buffer must be written before it is read", name)


def _check_columns(where: str, op: AnyOperation, program: Program) -> None:
    width = program.buffers
    match op:
        case RMSNorm() | LayerNorm() | Activate() | Select() | Gate() | Add():
            reads, writes = buffers_of(op)
            widths = [width[name] for name in (*reads, *writes)]
            _must(where, len(set(widths)) == 1, "inputs and output must be equally wide", widths)
            deal = op.deal if isinstance(op, Activate | Gate) else ()
            fits = not deal or prod(deal) == widths[0]
            _must(where, fits, f"digits of a deal must multiply to {widths[0]}", deal)
        case Project():
            bands: dict[str, list[Rows | None]] = {}
            for linear in op.linears:
                bands.setdefault(linear.out, []).append(linear.rows)
            _must(where, op.input not in bands, "input and outputs must be different buffers", op.input)
            for out, rows in bands.items():
                _check_bands(f"{where} to {out}", rows, width[out])
        case Rotary():
            _must(where, op.head > 0 and width[op.buffer] % op.head == 0, "a head must divide the buffer", op.head)
            for name in (op.inv_freq, op.long):
                if name is not None:
                    _check_frequencies(where, name, op, program)
        case Attention():
            sizes = (op.heads, op.kv_heads, op.head, 1 if op.window is None else op.window)
            _must(where, min(sizes) > 0 and op.heads % op.kv_heads == 0, "heads, columns and window must fit", sizes)
            q, kv = op.heads * op.head, op.kv_heads * op.head
            widths = [width[name] for name in (op.q, op.k, op.v, op.out)]
            _must(where, widths == [q, kv, kv, q], f"q, k, v and out must have {q}, {kv}, {kv}, {q} columns", widths)


def _check_frequencies(where: str, name: str, op: Rotary, program: Program) -> None:
    """Angles must stay where sine and cosine are right; far beyond, an integer of a float64 has no meaning."""
    values = program.constants.get(name)
    if values is None:
        raise ModelError(where, "its frequencies must be a constant of the program", name)
    _must(where, 2 * len(values) <= op.head, f"at most the head's {op.head} columns can turn", 2 * len(values))
    largest = max(map(abs, values), default=0.0) * (program.context - 1)
    must = f"angles must stay below 2^20 in a context of {program.context}"
    _must(f"constant {name}", largest < ANGLE, must, f"{largest:.3g}")


def _check_embeddings(program: Program) -> None:
    """Tokens are known at the beginning alone; the bands of their table stand there one after another."""
    found = [number for number, op in enumerate(program.operations) if isinstance(op, Embed)]
    _must("program", found == list(range(len(found))), "embeddings must come before all else", f"operations {found}")
    bands = [op for op in program.operations if isinstance(op, Embed)]
    _must("program", bool(bands), "it must begin with an embedding", "none")
    _must("program", len({op.out for op in bands}) <= 1, "an embedding must have one output", [op.out for op in bands])
    _check_bands("program operation 0, embed", [op.rows for op in bands], program.vocabulary)


def _check_bands(where: str, bands: Sequence[Rows | None], whole: int) -> None:
    """A weight that is whole, or bands that follow one another from the first row to the last."""
    _must(where, len(bands) == 1 or None not in bands, "it must be written once, or in bands", f"{len(bands)} times")
    ends = [0]
    for begin, end in (rows or (0, whole) for rows in bands):
        _must(where, begin == ends[-1] < end, "bands must follow one another and not be empty", f"{begin}:{end}")
        ends.append(end)
    _must(where, ends[-1] == whole, f"bands must end at row {whole}", ends[-1])


def _must(where: str, holds: bool, must: str, got: object) -> None:
    if not holds:
        raise ModelError(where, must, got)
