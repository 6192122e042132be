"""What verbs print: tables for people, JSON for programs, progress on stderr."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from tabulae.progress import Progress, silent

if TYPE_CHECKING:
    from tabulae.runtime.language_model import Generation

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Threads = Annotated[int | None, typer.Option(help="Threads to compute with (default: all cores).", show_default=False)]
Arithmetic = Annotated[
    Literal["auto", "multiply", "lookup"],
    typer.Option(help="How table linears are computed: same integers, other speed."),
]
IgnoreKey = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-key",
        metavar="KEY",
        help="Read a trained model as if this key of its configuration were not there; repeatable.",
    ),
]
SECONDS = 10  # between two lines of progress


def print_json(value: Any) -> None:
    """One JSON document on stdout; what is no finite number is null, a file name that is no text stays escaped."""
    plain = json.dumps(msgspec.to_builtins(value))
    finite = json.loads(plain, parse_constant=lambda name: None)
    print(json.dumps(finite, indent=2, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) or _numeric(str(row[index])) for row in rows)
        table.add_column(column, justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def _numeric(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in ".-"


def megabytes(count: float) -> str:
    """Bytes as people read them.

    >>> megabytes(86_000_000), megabytes(1_500)
    ('86.0 MB', '1.5 kB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A bar on stderr, or lines where that is no terminal; calls are (what comes next, how much is done, of how much).

    Work has parts, one after another: where less is done than before, another part has begun, with a time of its own.
    """
    if quiet:
        yield silent
        return
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich import progress as rich
    from rich.console import Console

    what_is, now_is = rich.TextColumn("{task.description}"), rich.TextColumn("{task.fields[now]}")
    columns = (what_is, rich.BarColumn(), rich.TimeRemainingColumn(), now_is)
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, now="")

        def show(now: str, done: int, total: int) -> None:
            if done < bar.tasks[0].completed:
                bar.reset(task)
            bar.update(task, now=now, completed=done, total=total)

        yield show


def _lines(what: str) -> Progress:
    """A line now and then, if work takes long: what is being done, and for how long the part will still take."""
    last = begin = time.monotonic()
    first, before = 0, sys.maxsize

    def show(now: str, done: int, total: int) -> None:
        nonlocal last, begin, first, before
        moment = time.monotonic()
        if done < before:  # a part begins
            begin, first = moment, done
        before = done
        if moment - last >= SECONDS:
            last = moment
            left = f", {duration((moment - begin) / (done - first) * (total - done))} left" if done > first else ""
            print(f"{what}: {100 * done / max(1, total):.0f} %{now and ' '}{now}{left}", file=sys.stderr, flush=True)

    return show


def duration(seconds: float) -> str:
    """Time as people say it.

    >>> duration(40.2), duration(130), duration(5400)
    ('40 s', '2 min', '1.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def show(piece: str) -> None:
    """Print a piece of text at once."""
    sys.stdout.write(piece)
    sys.stdout.flush()


def say_limit(out: "Generation") -> None:
    """Why a text ended where it need not have ended."""
    if out.stopped == "context":
        print("[stopped: the context is full; raise --context]", file=sys.stderr)
    elif out.stopped == "max tokens":
        print(f"[stopped after {len(out.tokens)} tokens; raise --max-tokens]", file=sys.stderr)
