"""What a plan may cost, as people write it: bytes of the file, bytes resident, bits per parameter, or a loss.

>>> parse_size("60MB"), parse_size("1.5 GiB"), parse_size(1000)
(60000000, 1610612736, 1000)
>>> Budget(bits=4.5)
Budget(size=None, memory=None, bits=4.5, kl=None)
"""

import re
from fractions import Fraction
from math import isfinite

import msgspec

from tabulae.errors import UsageError

PREFIXES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?:([kmgt]?)(i?)b)?", re.IGNORECASE)
LARGEST = 1 << 53  # bytes: sums of sizes stay exact in float64
ACCEPTED = "accepted: bytes such as 60000000, 60MB (60 * 10^6), 60MiB (60 * 2^20), 1.5GB"


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked for: ``size`` or ``memory`` or both, or ``bits``, or ``kl``, and nothing else."""

    size: int | None = None  # bytes of the whole file
    memory: int | None = None  # bytes resident while the model runs
    bits: float | None = None  # of the whole file but the tokenizer, per parameter
    kl: float | None = None  # predicted loss in nats; the smallest file that keeps to it

    def __post_init__(self) -> None:
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if not given or (len(given) > 1 and given != ["size", "memory"]):
            must = "one limit must be given: size or memory (or both), bits, or kl"
            raise UsageError("budget", must, " and ".join(given) or "nothing", "such as --size 60MB")
        for name in given:
            value = getattr(self, name)
            if not (isfinite(value) and 0 < value < LARGEST):
                raise UsageError("budget", f"{name} must be a positive number", value)


def parse_size(text: str | int) -> int:
    """Whole bytes, rounded down, from a number with or without a unit; units in upper or lower case.

    :raises UsageError: no number, an unknown unit, less than a byte
    """
    match = SIZE.fullmatch(str(text).strip())
    if not match:
        raise UsageError("size", "it must be a number of bytes", repr(text), ACCEPTED)
    number, prefix, binary = match.groups(default="")
    if binary and not prefix:
        raise UsageError("size", "the unit must be known", repr(text), ACCEPTED)
    size = int(Fraction(number) * (1024 if binary else 1000) ** PREFIXES[prefix.lower()])
    if not 0 < size < LARGEST:
        raise UsageError("size", "it must be at least one byte and below 2^53", repr(text), ACCEPTED)
    return size
