"""Interrupts of the command: what was begun is tidied up, and whether one is behind an error is known."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from tabulae.errors import INTERRUPTED, Terminated


class Signals:
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

    def handled(self) -> None:
        """An interrupt was dealt with: what goes wrong from now on is another matter."""
        self.received = False


signals = Signals()
"""Of this process."""
