"""Strings that end a text, which no one shall see the beginning of."""

from collections.abc import Sequence

from tabulae.errors import UsageError


class Stops:
    """Text on its way out, held back for as long as it may be the beginning of a stop string.

    The first string that is complete ends it.

    >>> stops = Stops(["\\nUser:"])
    >>> [stops.push(text) for text in ("Hello", "\\nUs", "e", "\\nUser", ":", " x")]
    ['Hello', '', '', '\\nUse', '', '']
    >>> stops.found, Stops([]).push("as it comes")
    ('\\nUser:', 'as it comes')
    """

    def __init__(self, strings: Sequence[str]) -> None:
        if isinstance(strings, str) or not all(isinstance(one, str) and one for one in strings):
            must = "stop strings must be a list of texts that are not empty"
            raise UsageError("stop", must, repr(strings), 'such as stop=["\\n\\n"]')
        self._strings, self._held = tuple(strings), ""
        self.found: str | None = None  # the string that ended the text

    def push(self, text: str) -> str:
        """Take what comes; what of all text so far is certain not to belong to a stop string."""
        if self.found is not None:
            return ""
        held = self._held + text
        ends = [(at + len(one), at, one) for one in self._strings if (at := held.find(one)) >= 0]
        if ends:  # the first that is complete, however the text comes in pieces; of two that end together the longer
            _, at, self.found = min(ends)
            self._held = ""
            return held[:at]
        keep = max((_overlap(held, one) for one in self._strings), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def finish(self) -> str:
        """What was held back, at the end of a text that no stop string ended."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of ``text`` begin ``stop``."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
