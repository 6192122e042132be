"""The command ``tabulae`` from its first moment: safe streams, signals, one exit code.

Nothing heavy is imported here. The verbs are imported where an interrupt is expected already: typer and NumPy take a
tenth of a second, in which people do press Ctrl-C.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from tabulae.cli import streams
from tabulae.errors import INTERRUPTED, Terminated


class _Signals:
    """Ctrl-C becomes a KeyboardInterrupt, SIGTERM one that ends a conversation, too: what was begun is tidied up."""

    received = False

    def listen(self) -> None:
        """Take both, unless they are ignored (``nohup``, a background job)."""
        self._handle(self._raise)
        sys.unraisablehook = self._unraisable

    def over(self) -> None:
        """From now on a second one ends the process at once: there is nothing left to tidy up."""
        self._handle(signal.SIG_DFL)

    def _handle(self, action: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, action)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.received = True
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    def _unraisable(self, lost: "sys.UnraisableHookArgs") -> None:
        """A signal inside a callback whose errors are lost (every import makes some) ends the process here."""
        if isinstance(lost.exc_value, KeyboardInterrupt):
            os._exit(INTERRUPTED)
        sys.__unraisablehook__(lost)


_signals = _Signals()


def handled() -> None:
    """An interrupt was dealt with: what goes wrong from now on is another matter."""
    _signals.received = False


def main() -> NoReturn:
    """Run the command line in ``sys.argv``; 0, 1 on failure, 2 on bad usage, 130 after an interrupt."""
    try:
        streams.open_all()
        _signals.listen()
        from tabulae.cli.main import main as run

        code = run()
    except SystemExit:
        raise
    except BaseException:
        if not _signals.received:
            raise
        code = INTERRUPTED  # libraries turn an interrupt into errors of their own
    finally:
        _signals.over()
        streams.close_output()
    sys.exit(code)
