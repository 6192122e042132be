"""Callers that take turns: what runs is used by one of them at a time.

A call from another thread waits. A call from inside a turn, which a tap may make, does not: so a thread that waits
keeps nobody else waiting. A tap that waits for a thread of its own that feeds the same session waits for ever.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tabulae.errors import UsageError

_mine = threading.local()  # .held: the turns that this thread has now, in a forked child too


class Turns:
    """The turns of one session.

    >>> turns = Turns()
    >>> with turns.turn():
    ...     with turns.turn(): ...
    Traceback (most recent call last):
    tabulae.errors.UsageError: [session] one call must end before the next begins, but got a call during a run; \
give every tap a session of its own, and set taps between runs
    """

    def __init__(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def turn(self, *, wait: bool = True) -> Iterator[None]:
        """The caller's turn, for as long as the context lasts.

        :raises UsageError: it is another's, and the caller does not ``wait`` or has a turn elsewhere
        """
        held: list[Turns] = _mine.__dict__.setdefault("held", [])
        lock, mine = self._of_this_process(), False
        try:
            mine = self not in held and lock.acquire(blocking=wait and not held)
            if not mine:
                hint = "give every tap a session of its own, and set taps between runs"
                raise UsageError("session", "one call must end before the next begins", "a call during a run", hint)
            held.append(self)
            yield
        finally:
            if mine:
                if self in held:  # not where an interrupt came between
                    held.remove(self)
                lock.release()

    def _of_this_process(self) -> threading.Lock:
        """A forked child has the lock, but not the threads that would give it back."""
        if self._process != os.getpid():
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock
