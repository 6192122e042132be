"""The command ``tabulae`` from its first moment: safe streams, signals, one exit code.

Nothing heavy is imported here. The verbs are imported where an interrupt is expected already: typer and NumPy take a
tenth of a second, in which people do press Ctrl-C.
"""

import sys
from typing import NoReturn

from tabulae.cli import streams
from tabulae.cli.signals import signals
from tabulae.errors import INTERRUPTED


def main() -> NoReturn:
    """Run the command line in ``sys.argv``; 0, 1 on failure, 2 on bad usage, 130 after an interrupt."""
    try:
        streams.open_all()
        signals.listen()
        from tabulae.cli.main import main as run

        code = run()
    except SystemExit:
        raise
    except BaseException:
        if not signals.received:
            raise
        code = INTERRUPTED  # libraries turn an interrupt into errors of their own
    finally:
        signals.over()
        streams.close_output()
    sys.exit(code)
