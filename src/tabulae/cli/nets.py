"""What the verbs do with nets: build one of a trained net, run it on arrays, check it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from tabulae.cli.output import megabytes, print_json, print_table
from tabulae.errors import FileError, UsageError

if TYPE_CHECKING:
    from tabulae.nets.builder import Built
    from tabulae.workflows.judge import Judged

PANEL = "Nets (--to net)"
To = Annotated[
    str | None, typer.Option("--to", help="net: integers from end to end, of an ONNX file.", rich_help_panel=PANEL)
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NPZ",
        help="Examples: an npz file of arrays by the names of inputs, with labels or not; or module:function.",
        rich_help_panel=PANEL,
    ),
]
ValueBits = Annotated[
    int | None, typer.Option("--value-bits", help="Bits of values between layers (default: 4).", rich_help_panel=PANEL)
]
InputBits = Annotated[
    int | None,
    typer.Option("--input-bits", help="Bits of inputs that are no whole numbers (default: 8).", rich_help_panel=PANEL),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", help="Format of all weights (default: int:4/row/search).", rich_help_panel=PANEL),
]
Tables = Annotated[
    str | None,
    typer.Option(
        "--tables",
        help="Which edges share a table: value (default), input, row, edge. The same integers, ever larger tables.",
        rich_help_panel=PANEL,
    ),
]
Shapes = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="NAME=SHAPE", help="Shape of an example that the file leaves open.", rich_help_panel=PANEL
    ),
]


def is_asked(more: dict[str, Any], choices: dict[str, Any], alone: dict[str, Any]) -> bool:
    """Whether a net is asked for; what only a net can use is refused without, and what none can use (``alone``) with.

    :raises UsageError: such an option
    """
    named = {"--data": more["data"], "--tables": more["tables"], "--input": more["shapes"]}
    named |= {f"--{OPTIONS[name]}": value for name, value in choices.items()}
    is_net = more["to"] is not None
    if idle := [name for name, value in (alone if is_net else named).items() if value]:
        must = "a net must be asked for without such options" if is_net else "such options must come with --to net"
        raise UsageError("build", must, " ".join(idle))
    return is_net


OPTIONS = {"bits": "value-bits", "input_bits": "input-bits", "weights": "weights"}


def build_net(
    model: Path,
    target: Path,
    *,
    to: str,
    data: str | None,
    given: dict[str, Any],
    tables: str | None,
    shapes: Sequence[str],
    threads: int,
    json: bool,
) -> None:
    """Compile, write, and say what was lost and what tables take; ``given`` are choices, None where there is none."""
    from tabulae.nets.compile import compile
    from tabulae.nets.data import read
    from tabulae.nets.lowering import Choices
    from tabulae.nets.rungs import raised
    from tabulae.workflows.judge import judge
    from tabulae.workflows.nets import open_net, write_net

    if to != "net":
        raise UsageError("build", "what is built must be known", to, "accepted: net")
    if data is None:
        raise UsageError("build", "a net needs examples to be made with", "no --data", "give --data examples.npz")
    net = open_net(model, dict(map(_shape, shapes)))
    examples = read(data, net.inputs)
    choices = Choices(**{name: value for name, value in given.items() if value is not None})
    built = raised(compile(net, examples.inputs, choices), tables or "value")
    judged = judge(net, built, examples, threads=threads)
    write_net(built, target, {"source": model.name, "data": Path(data).name})
    _report(target, built, judged, json)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, numbers = text.partition("=")
    try:
        return name, tuple(int(n) for n in numbers.split(","))
    except ValueError:
        raise UsageError("input", "it must be NAME=SHAPE", text, "such as x=3,32,32") from None


def _report(target: Path, built: "Built", judged: "Judged", json: bool) -> None:
    size = target.stat().st_size
    if json:
        record = {"path": str(target), "bytes": size, "layers": _layers(built), "judged": judged}
        print_json(record)
        return
    columns = ("layer", "edges", "codes", "value", "input", "row", "edge")
    taken = _layers(built)
    rows = [(one["layer"], one["edges"], one["codes"], *map(megabytes, one["bytes"].values())) for one in taken]
    print_table("what tables take, and what selects them, on every rung", columns, rows)
    print(_said(judged))
    print(f"{target}: {megabytes(size)}")


def _layers(built: "Built") -> list[dict[str, Any]]:
    from tabulae.nets.rungs import edges, layers, sizes

    found = []
    for op in layers(built.program):
        g, r, j = edges(built.program, op)
        taken = {rung: size.bytes for rung, size in sizes(built.program, op.out, built.arrays).items()}
        codes = built.arrays[op.tables].shape[1]
        found.append({"layer": op.out, "edges": g * r * j, "codes": codes, "bytes": taken})
    return found


def _said(judged: "Judged") -> str:
    if judged.error is not None:
        return (
            f"outputs differ by {100 * judged.error:.2f} % (L2) from the trained net's, on {judged.examples} examples"
        )
    same = f"{100 * (judged.same or 0):.2f} % of {judged.examples} answers are the trained net's"
    if judged.right is None:
        return same
    before = f"the trained net: {100 * (judged.right_before or 0):.2f} %"
    return f"{same}; {100 * judged.right:.2f} % are right ({before})"


def run_net(model: Path, inputs: str, output: Path | None, threads: int, json: bool) -> None:
    """Answers, or all outputs as arrays in an npz file."""
    from tabulae.nets.data import read
    from tabulae.runtime.net import NetModel
    from tabulae.workflows.nets import read_net

    built = read_net(model)
    program = built.program
    data = read(inputs, {name: program.values[name].static for name in program.inputs})
    found = NetModel(*built, threads=threads)(data.inputs)
    if output is not None:
        _save(output, found)
    answers = found[program.outputs[-1]].reshape(-1).tolist() if program.labels else None
    right = None if data.labels is None or answers is None else float((np.array(answers) == data.labels).mean())
    if json:
        named = None if answers is None else [program.labels[answer] for answer in answers]
        print_json({"examples": len(data), "answers": named, "right": right})
        return
    if answers is not None and output is None:
        print("\n".join(program.labels[answer] for answer in answers))
    if right is not None:
        print(f"{100 * right:.2f} % of {len(data)} answers are right")


def _save(path: Path, arrays: dict[str, Any]) -> None:
    from io import BytesIO

    from tabulae.files import write_whole

    if path.suffix != ".npz":
        raise FileError(str(path), "outputs must go to an npz file", path.suffix or "no suffix", "such as -o y.npz")
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue(), "outputs")


def check_net(model: Path, json: bool) -> bool:
    """Hashes, ranges, and every way to run against the reference; whether all is well."""
    from tabulae.workflows.check_net import check_net as check

    report = check(model)
    if json:
        import msgspec

        print_json({"ok": report.ok, **msgspec.to_builtins(report)})
        return report.ok
    rows = [(way.isa, way.threads, "==" if not way.differing else ", ".join(way.differing)) for way in report.ways]
    print_table("", ("isa", "threads", "integers"), rows)
    for problem in report.problems:
        print(problem)
    proved = f"ranges of {report.values} values proved, {report.examples} examples run"
    print(f"{report.path}: {'ok' if report.ok else 'NOT OK'}; {proved}")
    return report.ok
