"""Is this net what its file says, and does every instruction set here give its integers?

The file's hashes; the range of every value, anew from the tables (opening does that); the native core against the
reference interpreter with ==, on every ISA, 1 to 3 threads, and inputs that reach both ends of their intervals.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from tabulae import _native
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.verify import verify
from tabulae.nets.builder import Built
from tabulae.runtime.net import NetModel
from tabulae.targets.vectors import vectors
from tabulae.workflows.nets import net_of

EXAMPLES = 100  # a whole batch and a part
THREADS = (1, 2, 3)


class Way(msgspec.Struct, frozen=True):
    """One way to run the net."""

    isa: str
    threads: int
    differing: tuple[str, ...]  # outputs with an integer that is not the reference's


class NetReport(msgspec.Struct, frozen=True):
    """What :func:`check_net` found."""

    path: str
    problems: tuple[str, ...]
    values: int  # whose ranges were proved
    examples: int
    ways: tuple[Way, ...]

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return not self.problems and not any(way.differing for way in self.ways)


def check_net(path: str | Path) -> NetReport:
    """Verify a net and prove the native core of this machine on it.

    :raises FileError: the file is missing
    :raises ModelError: ranges that do not hold
    :raises TableModelError: it is malformed, or a language model
    """
    with open_table_model(path) as file:
        problems = tuple(str(problem) for problem in verify(file).problems)
        built = net_of(file)
        ways = () if problems else tuple(_ways(built))
        return NetReport(str(path), problems, len(built.program.values), EXAMPLES, ways)


def _ways(built: Built) -> Iterator[Way]:
    inputs, wanted = vectors(built, EXAMPLES)
    for isa in _native.isas():
        for threads in THREADS:
            found = NetModel(*built, threads=threads, isa=isa)(inputs)
            differing = tuple(name for name, x in found.items() if not np.array_equal(x, wanted[name]))
            yield Way(isa, threads, differing)
