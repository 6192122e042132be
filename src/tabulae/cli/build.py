"""``tabulae build MODEL -o m.tab``"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tabulae.cli import nets
from tabulae.cli.output import IgnoreKey, Json, Threads, megabytes, print_json, progress_bar
from tabulae.cli.plan import show
from tabulae.cli.wanted import (
    AnyFormat,
    Bits,
    By,
    Calibration,
    Entropy,
    Formats,
    Kl,
    Memory,
    NoVerify,
    Sensitivity,
    Size,
    Verify,
    WithoutTokenizer,
)
from tabulae.cores import available_cores
from tabulae.errors import UsageError
from tabulae.planning.plan import Plan, read_any

if TYPE_CHECKING:
    from tabulae.workflows.contest import Built

EXAMPLES = """
[bold]Examples[/bold]

  tabulae build SmolLM2.gguf -o smollm2.tab

  tabulae build ./Qwen2-0.5B --format '*.down_proj.*=int:8/row/absmax'

  tabulae build SmolLM2.gguf --size 60MB -o smollm2.tab

  tabulae build SmolLM2.gguf --plan plan.json -o smollm2.tab

  tabulae build digits.onnx --to net --data digits.npz -o digits.tab
"""


Source = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Trained model: a GGUF file, a Hugging Face folder, an ONNX file.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Table model to write (default: NAME.tab).")]
PlanFile = Annotated[Path | None, typer.Option("--plan", help="Build as this plan says (tabulae plan).")]


def build(
    model: Source,
    output: Output = None,
    format: Formats = None,
    plan: PlanFile = None,
    size: Size = None,
    memory: Memory = None,
    bits: Bits = None,
    kl: Kl = None,
    calibration: Calibration = None,
    sensitivity: Sensitivity = None,
    by: By = None,
    entropy: Entropy = False,
    any_format: AnyFormat = False,
    verify: Verify = None,
    no_verify: NoVerify = False,
    without_tokenizer: WithoutTokenizer = False,
    ignore_key: IgnoreKey = None,
    to: nets.To = None,
    data: nets.DataOption = None,
    value_bits: nets.ValueBits = None,
    input_bits: nets.InputBits = None,
    weights: nets.Weights = None,
    tables: nets.Tables = None,
    input: nets.Shapes = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Build a table model from a trained one: tensor by tensor, with little memory, the same bytes every time."""
    import tabulae
    from tabulae.workflows.ask import Wanted, ask
    from tabulae.workflows.contest import build_within

    threads = _checked_threads(threads)
    choices = {"bits": value_bits, "input_bits": input_bits, "weights": weights}
    more: dict[str, Any] = {"to": to, "data": data, "tables": tables, "shapes": input or ()}
    alone = {"--format": format, "--plan": plan, "--size": size, "--memory": memory, "--bits": bits, "--kl": kl}
    if nets.is_asked(more, choices, alone):
        return nets.build_net(model, _target(model, output), given=choices, threads=threads, json=json, **more)
    wanted = Wanted(size=size, memory=memory, bits=bits, kl=kl, calibration=calibration)
    planned = any(value is not None for value in (size, memory, bits, kl))
    given = {"--sensitivity": sensitivity, "--by": by, "--entropy": entropy, "--any-format": any_format}
    _check_of_use(planned, bool(format), plan is not None, calibration, given | _verified(verify, no_verify))
    start, target, built = time.perf_counter(), _target(model, output), None
    known = None if plan is None else read_any(plan)  # once: it may be a pipe
    with (
        tabulae.open(model, ignore_keys=ignore_key or (), tokenizer=not without_tokenizer) as trained,
        progress_bar("building", quiet=json) as progress,
        _resumable(target),
    ):
        count = trained.parameters()
        if planned:
            wanted |= Wanted(sensitivity=sensitivity, by=by, entropy=entropy, any_format=any_format)
            wanted |= Wanted(threads=threads, progress=progress)
            asked = ask(trained, target, **wanted)
            built = build_within(path=target, **asked.contest(False if no_verify else verify))
        else:
            run = partial(trained.build, threads=threads, progress=progress)
            run(target, formats=format or (), plan=known, calibration=calibration)
    _report(target, count, time.perf_counter() - start, built, known, json)


def _checked_threads(threads: int | None) -> int:
    from tabulae.runtime.engine import check_options

    check_options(available_cores() if threads is None else threads, "auto")
    return available_cores() if threads is None else threads


def _report(target: Path, weights: int, seconds: float, built: "Built | None", plan: Plan | None, json: bool) -> None:
    size = target.stat().st_size
    if json:
        record = {"path": str(target), "bytes": size, "weights": weights, "seconds": seconds}
        print_json(record | ({} if built is None else _record(built)))
        return
    if built is not None:
        _show(built)
    elif plan is not None:
        print(f"built as the plan says, not verified{_over_budget(plan, size)}")
    print(f"{target}: {weights:,} weights in {megabytes(size)}, {seconds:.1f} s")


def _over_budget(plan: Plan, size: int) -> str:
    """A plan that was edited need not keep to its budget, but that is said."""
    budget = plan.budget
    if budget is None or budget.size is None or size <= budget.size:
        return ""
    return f"; {size - budget.size:,} bytes more than its budget, {megabytes(budget.size)}"


def _target(model: Path, output: Path | None) -> Path:
    target = output or Path(f"{model.stem if model.is_file() else model.resolve().name}.tab")
    if str(target) == "-":
        raise UsageError("output", "it must be a file", "-", "a table model is mapped: give -o NAME.tab")
    return target


def _check_one_way(planned: bool, formats: bool, plan: bool) -> None:
    """Formats come from one place."""
    if planned + formats + plan > 1:
        must = "formats must come from --format, from --plan, or from a budget (--size, --memory, --bits, --kl)"
        raise UsageError("build", must, "more than one of them")


def _verified(verify: Path | None, no_verify: bool) -> dict[str, Any]:
    return {"--verify": verify, "--no-verify": no_verify}


def _check_of_use(planned: bool, formats: bool, plan: bool, calibration: Path | None, given: dict[str, Any]) -> None:
    """Options that would do nothing are refused."""
    _check_one_way(planned, formats, plan)
    idle = [] if planned else [name for name, value in given.items() if value]
    idle += ["--calibration"] if calibration and not (planned or plan) else []
    if idle:
        must = "such options must come with a budget (--size, --memory, --bits, --kl)"
        raise UsageError("build", must, " ".join(idle), "--calibration goes with --plan, too")
    if given["--verify"] and given["--no-verify"]:
        raise UsageError("build", "it must be --verify or --no-verify", "both")


@contextmanager
def _resumable(target: Path) -> Iterator[None]:
    """Say after an interrupt how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        kept = any(target.with_name(f"{target.name}.{folder}").exists() for folder in ("work", "verify"))
        on = (
            f"the same command goes on where it was; remove {target}.* to give up"
            if kept
            else "nothing was written yet"
        )
        print(f"interrupted: {on}", file=sys.stderr)
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
        again = f"; {verdict.remeasured} sensitivities were measured anew for it" if verdict.remeasured else ""
        print(
            f"verified on {verdict.windows} windows in {verdict.seconds:.0f} s: KL {verdict.plan}; "
            f"the best flat plan of no more bytes: {verdict.flat}{again}"
        )
    else:
        print(
            f"the flat plan was shipped: KL {verdict.flat} on {verdict.windows} windows; the plan had {verdict.plan}, "
            f"which is not certainly better ({verdict.remeasured} sensitivities measured anew)"
        )
