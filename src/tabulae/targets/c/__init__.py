"""C99 for chips that need not multiply: integers only, no memory asked for, tables and moving pointers."""

from tabulae.targets.c.emit import Emitted, emit, emitted
from tabulae.targets.c.source import Options

__all__ = ["Emitted", "Options", "emit", "emitted"]
