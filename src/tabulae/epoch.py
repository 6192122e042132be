"""What must be the same for unfinished work to go on: the version, and the epoch within it."""

from typing import Final

from tabulae.version import __version__

# One more whenever the bytes that an encoder writes, or the numbers that a measurement gives, may change.
EPOCH: Final = 2
CODE: Final = f"tabulae {__version__}, epoch {EPOCH}"
