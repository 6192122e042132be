"""``tabulae VERB``: what the verbs have in common is here, each verb is a file of its own."""

import sys
from typing import Annotated

import typer

from tabulae.cli import bench, build, check, export, info, plan, run
from tabulae.errors import INTERRUPTED, TabulaeError
from tabulae.version import __version__

app = typer.Typer(
    name="tabulae",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tabulae {__version__}")
        raise typer.Exit


@app.callback()
def tabulae(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Do a network's arithmetic before it runs: build, check and run table models."""


for verb in (info, plan, build, run, check, bench, export):
    app.command(epilog=verb.EXAMPLES)(getattr(verb, verb.__name__.rpartition(".")[2]))


def main() -> int:
    """Run the command line; 0 where all is well, 1 on failure, 2 on bad usage. Errors are one line, never a traceback.

    What comes before, streams and signals, is :func:`tabulae.cli.start.main`.
    """
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except TabulaeError as error:
        print("error:", " ".join(str(error).splitlines()), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(file=sys.stderr)  # the prompt begins a line of its own
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has gone
        return 1
    except Exception as error:
        return _usage(error)
    return code if isinstance(code, int) else 0


def _usage(error: Exception) -> int:
    """Show what the parser says of a wrong command line; anything else is ours and goes on."""
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if show is None or not isinstance(code, int):
        raise error
    show()
    return code
