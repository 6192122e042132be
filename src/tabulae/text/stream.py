"""Decoding id by id without ever showing half a character."""

from collections.abc import Callable


class Stream:
    """Text as it becomes certain; all pieces joined equal the decoding of all ids at once.

    A decoder may look at neighbours (a leading space, bytes that form one character), so each step decodes a short
    window: the ids of the last piece, whose text is known, and the ids since. Text is held back while it ends with
    U+FFFD, which may be the first half of a character, and while it ends in a byte (``<0x41>``): a wrong byte after
    it would change the whole run.

    >>> stream = Stream(lambda ids: bytes(ids).decode(errors="replace"), lambda id: False)
    >>> [stream.push(byte) for byte in "né".encode()], stream.finish()
    (['n', '', 'é'], '')
    """

    def __init__(self, decode: Callable[[list[int]], str], is_byte: Callable[[int], bool]) -> None:
        self._decode, self._is_byte = decode, is_byte
        self._window: list[int] = []
        self._told = 0  # ids of the window whose text has been given ...
        self._text = 0  # ... and how many characters they decode to
        self._seen = ""  # what the window decoded to last
        self._in_bytes = False

    def push(self, id: int) -> str:
        """Take one more id; returns the text that is certain now, often ``""``."""
        self._window.append(id)
        text = self._decode(self._window)
        if self._is_byte(id) or text != self._seen:  # an id without text does not end a run of bytes
            self._in_bytes = self._is_byte(id)
        self._seen = text
        if len(text) <= self._text or text.endswith("\ufffd") or self._in_bytes:
            return ""
        piece = text[self._text :]
        self._window = self._window[self._told :]
        self._told = len(self._window)
        self._seen = self._decode(self._window)
        self._text = len(self._seen)
        return piece

    def finish(self) -> str:
        """What was still held back; the stream can then be used for the next text."""
        piece = self._seen[self._text :]
        self._window, self._told, self._text, self._seen, self._in_bytes = [], 0, 0, "", False
        return piece
