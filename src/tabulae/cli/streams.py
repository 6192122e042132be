"""Standard input, output and error as the command finds them: closed, full, of another encoding, given up by a reader.

:func:`open_all` puts streams in their places that take all of it, so that no verb needs to: there is one of each,
whatever was closed; what cannot be read or written is one clear error, on standard error nothing at all, since there
is nobody left to tell; and every text can be written in every encoding.
"""

import codecs
import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from tabulae.errors import FileError, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class _Input(io.FileIO):
    """Standard input; one that another process made non-blocking is waited for."""

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        try:
            while (count := super().readinto(buffer)) is None:
                select.select([self], [], [])
        except OSError as error:
            raise FileError("standard input", "it must be readable", error.strerror) from None
        return count

    def readall(self) -> bytes:
        pieces, piece = [], bytearray(1 << 16)
        while count := self.readinto(piece):
            pieces.append(bytes(piece[:count]))
        return b"".join(pieces)


class _Output(io.FileIO):
    """Standard output; a reader that has gone stays a BrokenPipeError."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            while (count := super().write(data)) is None:  # a pipe that another process made non-blocking is full
                select.select([], [self], [])
        except BrokenPipeError:
            raise
        except OSError as error:
            raise FileError("standard output", "it must be writable", error.strerror) from None
        return count


class _Error(io.FileIO):
    """Standard error: what it does not take is lost."""

    def write(self, data: "ReadableBuffer", /) -> int:
        with suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes


def open_all() -> None:
    """Put safe streams in the places of ``sys.stdin``, ``sys.stdout`` and ``sys.stderr``."""
    _occupy()
    codecs.register_error("tabulae.escape", _escape)
    codecs.register_error("tabulae.refuse", _refuse)
    sys.stdin = _text(_Input(0, "r", closefd=False), sys.stdin, "tabulae.refuse")
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout, "tabulae.escape")
    sys.stderr = _text(_Error(2, "w", closefd=False), sys.stderr, "tabulae.escape")


def close_output() -> None:
    """Write what is left; what standard output does not take goes nowhere, instead of failing again at exit."""
    with suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _occupy() -> None:
    """Open the null device where a standard stream is closed: the next file, a model, would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, this one


def _text(raw: io.FileIO, found: TextIO | None, errors: str) -> io.TextIOWrapper:
    """A text stream over ``raw`` in the encoding of the one that was ``found``; text is UTF-8 where it may be ASCII."""
    encoding = "utf-8" if found is None else found.encoding
    if raw.readable():
        ascii_only = codecs.lookup(encoding).name == "ascii"
        return io.TextIOWrapper(io.BufferedReader(raw), "utf-8" if ascii_only else encoding, errors)
    line_buffering = isinstance(raw, _Error) or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=line_buffering)


def _escape(error: UnicodeError) -> tuple[str, int]:
    r"""What an encoding lacks, as in JSON strings: JSON stays JSON.

    >>> codecs.register_error("tabulae.escape", _escape)
    >>> "Zürich 🙂".encode("ascii", "tabulae.escape")
    b'Z\\u00fcrich \\ud83d\\ude42'
    """
    import json

    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _refuse(error: UnicodeError) -> tuple[str, int]:
    must = f"it must be {getattr(error, 'encoding', 'text').upper()}"
    raise UsageError("standard input", must, getattr(error, "reason", error))
