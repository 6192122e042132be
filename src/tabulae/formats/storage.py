"""How a tensor is stored, all of it: a format, and what is done to its input and to its rounding besides.

A storage is what is chosen for a tensor, and its name the key of that choice in plans, candidates and files:
``FORMAT[/rotate=SEED][/feedback]``. Where nothing is done besides, the name is that of the format.

>>> storage = Storage.parse("int:4/g64/search/rotate=7/feedback")
>>> str(storage.format), storage.rotate, storage.feedback, storage.exponents
('int:4/g64/search', 7, True, 0)
>>> str(storage), str(Storage.parse("int:4/row/absmax/gain=ls"))
('int:4/g64/search/rotate=7/feedback', 'int:4/row/absmax')
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.formats.encoded import Encoded
from tabulae.formats.encoding import encode
from tabulae.formats.fitted import Fitted, Rounder
from tabulae.formats.format import Format
from tabulae.formats.grammar import parse
from tabulae.formats.input_statistics import InputStatistics, importance_of

ROTATE, FEEDBACK = "/rotate=", "/feedback"
SEED = re.compile(r"0|[1-9][0-9]{0,9}")
SEEDS = 1 << 32  # what the signs of a rotation can depend on
EXPONENTS, ROTATED = 4, 0  # E of the activation codes; a rotation leaves no loud block


@dataclass(frozen=True)
class Storage:
    """A format, and what is done besides; ``parse`` reads the name that ``str`` writes."""

    format: Format
    rotate: int | None = None  # the seed of the signs by which its input is rotated; None: it is not
    feedback: bool = False  # whether the error of a column is made up for by the columns behind it

    def __post_init__(self) -> None:
        if self.rotate is not None and not 0 <= self.rotate < SEEDS:
            raise _seed_error(str(self.rotate))

    def __str__(self) -> str:
        rotate = "" if self.rotate is None else f"{ROTATE}{self.rotate}"
        return f"{self.format}{rotate}{FEEDBACK * self.feedback}"

    @staticmethod
    def parse(name: str) -> "Storage":
        """The storage of that name.

        :raises UsageError: a name that is none, with what is accepted
        """
        return _parsed(name)

    @property
    def exponents(self) -> int:
        """E of the activation codes of its input."""
        return EXPONENTS if self.rotate is None else ROTATED

    @property
    def input(self) -> tuple[int | None, int]:
        """What it asks of its input, which is rotated and encoded once for all tables: they must agree on it."""
        return self.rotate, self.exponents

    def check(self) -> None:
        """Refuse what this version cannot do, before any work: the one place that knows.

        :raises UsageError: it asks for that
        """
        later = [*["rotate"] * (self.rotate is not None), *["feedback"] * self.feedback]
        if later:
            must = "what is asked for must be known to this version"
            raise UsageError("storage", must, " and ".join(later), f"such as {self.format}")

    def encode(
        self,
        x: Float32s,
        inputs: InputStatistics | None = None,
        shares: Float32s | None = None,
        rounder: Rounder = Fitted.round,
    ) -> Encoded:
        """Weights x [rows, cols] as integers, with a view to their input; rows stand for ``shares`` [rows] each.

        ``rounder`` chooses codes once the format is fitted.
        """
        self.check()
        importance = importance_of(inputs)
        if shares is not None:
            columns = np.ones(x.shape[1], np.float32) if importance is None else importance
            importance = shares[:, None] * columns
        return encode(self.format, x, importance, rounder)


@lru_cache(maxsize=1024)
def _parsed(name: str) -> Storage:
    rest = name.removesuffix(FEEDBACK)
    form, rotate, seed = rest.partition(ROTATE)
    if rotate and not SEED.fullmatch(seed):
        raise _seed_error(seed)
    return Storage(parse(form), int(seed) if rotate else None, rest != name)


def _seed_error(seed: str) -> UsageError:
    must = "rotate must be a seed, a whole number below 2^32, and stand before feedback alone"
    return UsageError("storage", must, repr(seed), "such as int:4/g64/search/rotate=0")
