"""``tabulae export net.tab --to c -o DIR``"""

from pathlib import Path
from typing import Annotated

import typer

from tabulae.cli.output import Json, megabytes, print_json
from tabulae.errors import UsageError

EXAMPLES = """
[bold]Examples[/bold]

  tabulae export digits.tab --to c -o digits && make -C digits test
"""


def export(
    model: Annotated[Path, typer.Argument(metavar="NET", help="Net (tabulae build MODEL.onnx --to net).")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write, new or empty.")],
    to: Annotated[str, typer.Option("--to", help="c: C99, integers alone, neither multiplied nor divided.")] = "c",
    name: Annotated[
        str | None, typer.Option("--name", help="What files and functions begin with (default: the name of NET).")
    ] = None,
    json: Json = False,
) -> None:
    """Write a net as sources for a target, with vectors that test them and a Makefile that runs the test."""
    from tabulae.targets.c.emit import emitted
    from tabulae.targets.folder import write
    from tabulae.workflows.nets import read_net

    if to != "c":
        raise UsageError("export", "the target must be known", to, "accepted: c")
    found = emitted(read_net(model), name or model.stem)
    write(output, found.files)
    if json:
        print_json({"folder": str(output), "files": sorted(found.files), "flash": found.flash, "ram": found.ram})
        return
    for note in found.notes:
        print(note)
    print(f"{output}: {megabytes(found.flash)} of tables, {megabytes(found.ram)} of memory while it runs")
