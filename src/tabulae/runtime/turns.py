"""Callers that take turns: what runs is used by one of them at a time.

A call from another thread waits. A call from inside a turn, which a tap may make, does not: so whoever waits keeps
nobody else waiting, and no two can wait for each other.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tabulae.errors import UsageError

_mine = threading.local()  # .turns: how many this thread has now


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
        have = getattr(_mine, "turns", 0)
        lock = self._of_this_process()
        if not lock.acquire(blocking=wait and not have):
            hint = "give every tap a session of its own, and set taps between runs"
            raise UsageError("session", "one call must end before the next begins", "a call during a run", hint)
        _mine.turns = have + 1
        try:
            yield
        finally:
            _mine.turns = have
            lock.release()

    def _of_this_process(self) -> threading.Lock:
        """A forked child has the lock, but not the threads that would give it back."""
        if self._process != os.getpid():
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock
