"""How long work says what it does: one signature, whoever shows it."""

from collections.abc import Callable

Progress = Callable[[str, int, int], object]  # what comes next, how much is done, of how much


def silent(now: str, done: int, total: int) -> None:
    """Show nothing."""


def within(progress: Progress, what: str) -> Progress:
    """The progress of a part of the work.

    >>> within(print, "sensitivity")("lm_head.weight", 1, 2)
    sensitivity: lm_head.weight 1 2
    """
    return lambda now, done, total: progress(f"{what}: {now}" if now else what, done, total)
