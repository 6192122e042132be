"""``tabulae check m.tab``"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tabulae.cli.nets import check_net
from tabulae.cli.output import IgnoreKey, Json, Threads, print_json, print_table, progress_bar
from tabulae.errors import TabulaeError, UsageError
from tabulae.files import check_there

if TYPE_CHECKING:
    from tabulae.evaluation import Quality
    from tabulae.workflows.check import CheckReport

EXAMPLES = """
[bold]Examples[/bold]

  tabulae check smollm2.tab

  tabulae check smollm2.tab --against SmolLM2.gguf --text wiki.test.raw
"""


def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Table model (.tab).")],
    against: Annotated[Path | None, typer.Option(help="Trained model to compare with, on --text.")] = None,
    text: Annotated[Path | None, typer.Option(help="Plain text, cut to windows of 512 tokens (BOS and 511).")] = None,
    windows: Annotated[int, typer.Option(help="Windows to compare on.", min=1)] = 40,
    ignore_key: IgnoreKey = None,
    threads: Threads = None,
    brief: Annotated[bool, typer.Option("--brief", help="Only the verdict and the quality.")] = False,
    json: Json = False,
) -> None:
    """Verify hashes and accumulator widths, prove every kernel on the model's own tensors, measure KL and perplexity.

    Exit code 0 where all is well, 1 where anything differs.
    """
    from tabulae.runtime.engine import check_options
    from tabulae.workflows.check import check as run
    from tabulae.workflows.open_tab import is_net

    if is_net(model):
        raise typer.Exit(0 if check_net(model, json) else 1)
    if (against is None) != (text is None):
        raise UsageError("check", "--against and --text must be given together", "one of them")
    if ignore_key and against is None:
        raise UsageError("check", "--ignore-key must come with --against, whose keys they are", " ".join(ignore_key))
    for path in (against, text):
        if path is not None:
            check_there(path)
    if threads is not None:
        check_options(threads, "auto")
    with progress_bar("checking", quiet=json) as progress:
        report = run(model, progress=progress, tell=None if json else _tell)
    qualities = _qualities(model, against, text, windows, threads, ignore_key or (), json) if against and text else []
    if json:
        print_json({"ok": report.ok, **_plain(report), "quality": qualities})
    else:
        _print(report, qualities, brief)
    raise typer.Exit(0 if report.ok else 1)


def _tell(problem: TabulaeError) -> None:
    """At once: what comes next may take minutes."""
    print("found:", problem, file=sys.stderr, flush=True)


def _qualities(
    model: Path, against: Path, text: Path, windows: int, threads: int | None, ignore_keys: Sequence[str], quiet: bool
) -> "list[Quality]":
    from tabulae.workflows.compare import compare

    with progress_bar("comparing", quiet=quiet) as progress:
        return compare(
            model, against, text, windows=windows, threads=threads, ignore_keys=ignore_keys, progress=progress
        )


def _plain(report: "CheckReport") -> dict[str, Any]:
    import msgspec

    return dict(msgspec.to_builtins(report))


def _print(report: "CheckReport", qualities: "list[Quality]", brief: bool) -> None:
    if not brief:
        _print_proofs(report)
    for problem in report.problems:
        print(problem)
    hashes = {run.sha256 for run in report.hashes}
    print(f"{report.path}: {'ok' if report.ok else 'NOT OK'}; widest row total {report.widest} bits; ", end="")
    print(f"{len(hashes)} hash of the logits over {len(report.hashes)} ways to run: {min(hashes, default='none')[:16]}")
    if qualities:
        columns = ("quality", "KL nats", "top-1 agreement", "perplexity", "of the reference")
        rows = [(q.kind, q.kl, q.agreement, q.perplexity, q.reference_perplexity) for q in qualities]
        print_table("", columns, rows)
        print("weights alone: decoded weights, float activations; complete: as it runs; mean +- standard error")


def _print_proofs(report: "CheckReport") -> None:
    kernels = [
        (k.isa, k.arithmetic, k.tensors, "==" if not k.differing else ", ".join(k.differing)) for k in report.kernels
    ]
    print_table(
        "kernels against the reference, on the model's tensors", ("isa", "arithmetic", "tensors", "integers"), kernels
    )
    rows = [(h.isa, h.arithmetic, h.threads, h.pieces, h.sha256[:16]) for h in report.hashes]
    print_table("logits", ("isa", "arithmetic", "threads", "pieces", "sha256"), rows)
