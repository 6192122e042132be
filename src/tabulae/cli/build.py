"""``tabulae build MODEL -o m.tab``"""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from tabulae.cli.output import Json, Threads, megabytes, print_json, progress_bar
from tabulae.cores import available_cores
from tabulae.errors import UsageError

EXAMPLES = """
[bold]Examples[/bold]

  tabulae build SmolLM2.gguf -o smollm2.tab

  tabulae build ./Qwen2-0.5B --format normal:3/g64/signmax --format '*.down_proj.*=int:8/row/absmax' -o qwen.tab
"""


def build(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Trained model: a GGUF file or a Hugging Face folder.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Table model to write (default: NAME.tab).")
    ] = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="FORMAT for all tensors, or PATTERN=FORMAT for those whose name matches the shell pattern; "
            "repeatable, the last match counts. 'float32' leaves a tensor as it is. "
            "(default: normal:4/g64/signmax, embedding and head int:8/row/absmax)",
        ),
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Build a table model from a trained one: tensor by tensor, with little memory, the same bytes every time."""
    import tabulae
    from tabulae.runtime.session import check_options

    checked = available_cores() if threads is None else threads
    check_options(checked, "auto")
    start = time.perf_counter()
    target = output or Path(f"{model.stem if model.is_file() else model.resolve().name}.tab")
    if str(target) == "-":
        raise UsageError("output", "it must be a file", "-", "a table model is mapped: give -o NAME.tab")
    with tabulae.open(model) as trained, progress_bar("building", quiet=json) as progress:
        try:
            trained.build(target, formats=format or (), threads=checked, progress=progress)
        except KeyboardInterrupt:
            print(f"interrupted: the same command goes on from {target}.work; remove that to give up", file=sys.stderr)
            raise
        weights = trained.parameters()
    seconds, size = time.perf_counter() - start, target.stat().st_size
    if json:
        print_json({"path": str(target), "bytes": size, "weights": weights, "seconds": seconds})
    else:
        print(f"{target}: {weights:,} weights in {megabytes(size)}, {seconds:.1f} s")
