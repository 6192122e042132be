"""Every error that tabulae raises on purpose.

A message reads ``[what] what must hold, but got X``, then the accepted values, then the way out.
``exit_code`` is what the command line returns: 2 where the call itself was wrong, 1 where it failed.

>>> str(UsageError("format", "the element must be known", "foo:4", "accepted: int, normal"))
'[format] the element must be known, but got foo:4; accepted: int, normal'
"""

INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended


class TabulaeError(Exception):
    """The root of all errors; ``hint`` holds the accepted values or the way out."""

    exit_code = 1

    def __init__(self, what: str, must: str, got: object, hint: str = "") -> None:
        self.what, self.must, self.got, self.hint = what, must, got, hint
        super().__init__(f"[{what}] {must}, but got {got}" + (f"; {hint}" if hint else ""))


class UsageError(TabulaeError, ValueError):
    """A wrong argument: an unknown format name, a bad option, a prompt that is too long."""

    exit_code = 2


class ModelError(TabulaeError, ValueError):
    """A trained model that cannot be used: not a model, unknown architecture, NaN weights."""


class TableModelError(TabulaeError, ValueError):
    """A ``.tab`` file that is malformed, altered, or needs a feature this version lacks."""


class FileError(TabulaeError, OSError):
    """A file that is missing or cannot be read or written."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends all that Ctrl-C ends, and a conversation."""
