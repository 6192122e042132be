"""``tabulae build MODEL -o m.tab``"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tabulae.cli.output import Json, Threads, megabytes, print_json, progress_bar
from tabulae.cli.plan import show
from tabulae.cli.wanted import AnyFormat, Bits, By, Calibration, Entropy, Kl, Memory, Sensitivity, Size
from tabulae.cores import available_cores
from tabulae.errors import UsageError

if TYPE_CHECKING:
    from tabulae.workflows.budgeted import Built

EXAMPLES = """
[bold]Examples[/bold]

  tabulae build SmolLM2.gguf -o smollm2.tab

  tabulae build ./Qwen2-0.5B --format normal:3/g64/signmax --format '*.down_proj.*=int:8/row/absmax' -o qwen.tab

  tabulae build SmolLM2.gguf --size 60MB -o smollm2.tab

  tabulae build SmolLM2.gguf --plan plan.json -o smollm2.tab
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
    plan: Annotated[Path | None, typer.Option("--plan", help="Build as this plan says (tabulae plan).")] = None,
    size: Size = None,
    memory: Memory = None,
    bits: Bits = None,
    kl: Kl = None,
    calibration: Calibration = None,
    sensitivity: Sensitivity = None,
    by: By = None,
    entropy: Entropy = False,
    any_format: AnyFormat = False,
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify",
            metavar="TEXT",
            help="With a budget: text on which the planned model must beat the best flat one, or that is shipped "
            "(default: the calibration text; models of more than a billion parameters are not verified).",
            rich_help_panel="Planning",
        ),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Ship the plan as it is.", rich_help_panel="Planning")
    ] = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Build a table model from a trained one: tensor by tensor, with little memory, the same bytes every time."""
    import tabulae
    from tabulae.runtime.session import check_options

    threads = available_cores() if threads is None else threads
    check_options(threads, "auto")
    start, target = time.perf_counter(), _target(model, output)
    wanted = {"size": size, "memory": memory, "bits": bits, "kl": kl}
    planned = any(value is not None for value in wanted.values())
    _check_one_way(planned, bool(format), plan is not None, verify is not None and no_verify)
    with tabulae.open(model) as trained, progress_bar("building", quiet=json) as progress, _resumable(target):
        weights, built = trained.parameters(), None
        if planned:
            built = trained.build_planned(
                target,
                verify=False if no_verify else verify,
                size=size,
                memory=memory,
                bits=bits,
                kl=kl,
                calibration=calibration,
                sensitivity=sensitivity,
                by=by,
                entropy=entropy,
                any_format=any_format,
                threads=threads,
                progress=progress,
            )
        else:
            trained.build(
                target,
                formats=format or (),
                plan=plan,
                calibration=calibration,
                threads=threads,
                progress=progress,
            )
    seconds, bytes_ = time.perf_counter() - start, target.stat().st_size
    if json:
        record = {"path": str(target), "bytes": bytes_, "weights": weights, "seconds": seconds}
        print_json(record | ({} if built is None else _record(built)))
        return
    if built is not None:
        _show(built)
    print(f"{target}: {weights:,} weights in {megabytes(bytes_)}, {seconds:.1f} s")


def _target(model: Path, output: Path | None) -> Path:
    target = output or Path(f"{model.stem if model.is_file() else model.resolve().name}.tab")
    if str(target) == "-":
        raise UsageError("output", "it must be a file", "-", "a table model is mapped: give -o NAME.tab")
    return target


def _check_one_way(planned: bool, formats: bool, plan: bool, both_verify: bool) -> None:
    """Formats come from one place."""
    if planned + formats + plan > 1:
        must = "formats must come from --format, from --plan, or from a budget (--size, --memory, --bits, --kl)"
        raise UsageError("build", must, "more than one of them")
    if both_verify:
        raise UsageError("build", "it must be --verify or --no-verify", "both")


@contextmanager
def _resumable(target: Path) -> Iterator[None]:
    """Say after an interrupt how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"interrupted: the same command goes on where it was; remove {target}.* to give up", file=sys.stderr)
        raise


def _record(built: "Built") -> dict[str, Any]:
    verdict = None if built.verdict is None else msgspec.to_builtins(built.verdict)
    return {"plan": msgspec.to_builtins(built.plan), "verified": verdict, "note": built.note}


def _show(built: "Built") -> None:
    """What was planned, and what became of it."""
    show(built.plan)
    verdict = built.verdict
    if verdict is None:
        print(built.note)
        return
    if verdict.shipped == "plan":
        print(
            f"verified on {verdict.windows} windows in {verdict.seconds:.0f} s: KL {verdict.plan}; "
            f"the best flat plan of no more bytes: {verdict.flat}"
        )
    else:
        print(
            f"the flat plan was shipped: KL {verdict.flat} on {verdict.windows} windows; the plan had {verdict.plan}, "
            f"which is not better by two standard errors ({verdict.remeasured} sensitivities measured anew)"
        )
