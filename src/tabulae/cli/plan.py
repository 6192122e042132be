"""``tabulae plan MODEL --size 60MB``"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tabulae.cli.output import IgnoreKey, Json, Threads, megabytes, print_json, print_table, progress_bar
from tabulae.cli.wanted import (
    AnyFormat,
    Bits,
    By,
    Calibration,
    Entropy,
    Kl,
    Memory,
    Sensitivity,
    Size,
    WithoutTokenizer,
)
from tabulae.planning.candidates import ZERO
from tabulae.planning.plan import Plan, write

EXAMPLES = """
[bold]Examples[/bold]

  tabulae plan SmolLM2.gguf --size 60MB -o plan.json

  tabulae plan SmolLM2.gguf --bits 4 --calibration text.txt --sensitivity s.json

  tabulae build SmolLM2.gguf --plan plan.json -o smollm2.tab
"""


_GUESS = ", a guess from weights alone: what is measured may be several times as much"


def plan(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Trained model: a GGUF file or a Hugging Face folder.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Plan to write: JSON to read and edit.")] = Path(
        "plan.json"
    ),
    size: Size = None,
    memory: Memory = None,
    bits: Bits = None,
    kl: Kl = None,
    calibration: Calibration = None,
    sensitivity: Sensitivity = None,
    by: By = None,
    entropy: Entropy = False,
    any_format: AnyFormat = False,
    without_tokenizer: WithoutTokenizer = False,
    ignore_key: IgnoreKey = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Choose the format that loses least for every tensor within a budget; reads weights, writes a plan."""
    import tabulae
    from tabulae.files import check_place

    check_place(output)
    with (
        tabulae.open(model, ignore_keys=ignore_key or (), tokenizer=not without_tokenizer) as trained,
        progress_bar("planning", quiet=json) as progress,
        _resumable(sensitivity),
    ):
        found = trained.plan(
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
    write(found, output)
    if json:
        print_json({"path": str(output), **msgspec.to_builtins(found)})
    else:
        show(found)
        print(f"plan: {output} (edit formats if you like; then tabulae build {model} --plan {output})")


@contextmanager
def _resumable(sensitivity: Path | None) -> Iterator[None]:
    """Say after an interrupt what was kept."""
    try:
        yield
    except KeyboardInterrupt:
        kept = sensitivity is not None and Path(f"{sensitivity}.part").exists()
        on = f"what was measured stands in {sensitivity}.part, and the same command goes on with it"
        print(f"interrupted: {on if kept else 'nothing was kept; --sensitivity FILE keeps it'}", file=sys.stderr)
        raise


def is_guess(plan: Plan) -> bool:
    """Whether nothing was measured for its predictions."""
    return plan.sensitivity is not None and plan.sensitivity.source == "data-free"


def show(plan: Plan) -> None:
    """The plan in a few lines."""
    counts = Counter(entry.format for entry in plan.entries)
    sizes: Counter[str] = Counter()
    for entry in plan.entries:
        sizes[entry.format] += entry.file or 0
    rows = [(form, counts[form], megabytes(size)) for form, size in sizes.most_common()]
    print_table("", ("format", "tensors", "in the file"), rows)
    zeros = [entry.name for entry in plan.entries if entry.format == ZERO]
    if zeros:
        print(f"all zero, next to nothing in the file: {', '.join(zeros)}")
    totals = plan.totals
    if totals is not None:
        print(
            f"file {megabytes(totals.file)}, in memory {megabytes(totals.memory)}, "
            f"{totals.bits:.3f} bits per parameter; sensitivities: {plan.sensitivity and plan.sensitivity.source}"
        )
    if plan.loss is not None and plan.gap is not None:
        print(f"predicted loss {plan.loss:.4g} nats{_GUESS if is_guess(plan) else ''}")
        print(f"no plan of these formats and bytes has a predicted loss more than {100 * plan.gap:.2g} % lower")
