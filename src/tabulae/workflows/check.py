"""Is this table model what it says, and does every kernel here give its integers?

Four proofs, in this order: the file's hashes; the accumulator widths, anew from the codes; every kernel x ISA against
the NumPy reference on the file's own tensors, compared with ==; one hash of the logits over ISAs, arithmetics, threads
and cuts of the prompt.
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from tabulae import _native
from tabulae.arithmetic.activations import BLOCK, ActivationCodes
from tabulae.arithmetic.linear import accumulate
from tabulae.artifact.reader import TableModelFile, open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.artifact.verify import verify
from tabulae.errors import TabulaeError
from tabulae.progress import Progress, silent
from tabulae.runtime.binding import Binding, add_weight
from tabulae.runtime.engine import Arithmetic, Engine
from tabulae.runtime.session import Session
from tabulae.workflows.open_tab import program_of, weights_of

ARITHMETICS: tuple[Arithmetic, ...] = ("multiply", "lookup")
TOKENS = 80  # of the prompt whose logits are hashed: a second batch of 64, many rounds of the 16 lanes
WAYS = ((1, ()), (2, (1, 4)), (3, (50,)))  # threads, and where the prompt is cut
Tell = Callable[[TabulaeError], None]
_Found = TypeVar("_Found")


class KernelCheck(msgspec.Struct, frozen=True):
    """One kernel over all tensors."""

    isa: str
    arithmetic: str
    tensors: int
    differing: tuple[str, ...]  # names of tensors whose integers were not those of the reference


class LogitsHash(msgspec.Struct, frozen=True):
    """One way of running the same prompt."""

    isa: str
    arithmetic: str
    threads: int
    pieces: int
    sha256: str


class CheckReport(msgspec.Struct, frozen=True):
    """What :func:`check` found."""

    path: str
    problems: tuple[str, ...]  # of the file: hashes, widths
    widest: int  # bits of the widest row total
    kernels: tuple[KernelCheck, ...]
    hashes: tuple[LogitsHash, ...]

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        one_hash = len({run.sha256 for run in self.hashes}) == 1  # none: it did not run
        return not self.problems and one_hash and not any(kernel.differing for kernel in self.kernels)


def check(path: str | Path, *, progress: Progress | None = None, tell: Tell | None = None) -> CheckReport:
    """Verify a table model and prove the kernels of this machine on it.

    ``tell`` hears of a problem of the file as soon as it is found: of a broken hash before anything else is done.

    :raises FileError: the file is missing
    :raises TableModelError: it is so malformed that it cannot be opened
    """
    with open_table_model(path) as file:
        problems: list[TabulaeError] = []

        def found(problem: TabulaeError) -> None:
            problems.append(problem)
            if tell:
                tell(problem)

        progress = progress or silent
        report = verify(file, progress, found)
        return CheckReport(
            path=str(path),
            kernels=_as_far_as_it_goes(_check_kernels(file, progress), found),
            hashes=_as_far_as_it_goes(_hashes(file, progress), found),
            problems=tuple(map(str, problems)),
            widest=max((row.width or 0 for row in report.rows), default=0),
        )


def _as_far_as_it_goes(proofs: Iterator[_Found], found: Tell) -> tuple[_Found, ...]:
    """What was proved until the file itself stopped it (weights that overflow, say), which is a problem of its own."""
    results: list[_Found] = []
    try:
        results.extend(proofs)
    except TabulaeError as error:
        found(error)
    return tuple(results)


def _check_kernels(file: TableModelFile, progress: Progress) -> Iterator[KernelCheck]:
    records = [record for record in file.document.tensors if isinstance(record, TableRecord)]
    kernels = [(isa, arithmetic) for isa in _native.isas() for arithmetic in ARITHMETICS]
    differing: dict[tuple[str, str], list[str]] = {kernel: [] for kernel in kernels}
    sizes = [record.rows * record.cols for record in records]
    for index, record in enumerate(records):
        progress(f"kernels on {record.name}", sum(sizes[:index]), sum(sizes))
        native = _native.Model()
        weight = add_weight(native, file.matrix_parts(record.name))
        codes = probe(record.cols, record.exponents)
        expected = accumulate(file.matrix(record.name), codes)
        for isa, arithmetic in kernels:
            got = native.accumulate(weight, codes.codes, codes.exponents, arithmetic == "lookup", isa)
            if not np.array_equal(got, expected):
                differing[isa, arithmetic].append(record.name)
    for isa, arithmetic in kernels:
        yield KernelCheck(isa, arithmetic, len(records), tuple(differing[isa, arithmetic]))


def probe(cols: int, exponents: int) -> ActivationCodes:
    """Two inputs: random codes and exponents, and the extreme that the widths were proved for (+-127, 2^E)."""
    rng = np.random.default_rng(cols)
    blocks = -(-cols // BLOCK)
    codes = rng.integers(-127, 128, (2, blocks * BLOCK)).astype(np.int8)
    codes[1] = np.where(codes[1] < 0, -127, 127)
    codes[:, cols:] = 0
    shifts = np.stack([rng.integers(0, exponents + 1, blocks), np.full(blocks, exponents)]).astype(np.uint8)
    return ActivationCodes(codes, shifts, np.ones(2, np.float32))


def _hashes(file: TableModelFile, progress: Progress) -> Iterator[LogitsHash]:
    program = program_of(file)
    binding = Binding(program, weights_of(file))
    tokens = [(1 + 7919 * i) % program.vocabulary for i in range(min(TOKENS, program.context))]
    runs = [(i, a, *way) for i in _native.isas() for way in WAYS for a in ARITHMETICS]  # in turns: one is slower
    for done, (isa, arithmetic, threads, cuts) in enumerate(runs):
        progress(f"logits, {isa} {arithmetic}, {threads} threads", done, len(runs))
        session = Session(Engine(binding, threads=threads, arithmetic=arithmetic, isa=isa), len(tokens))
        pieces = [piece for begin, end in pairwise((0, *cuts, len(tokens))) if (piece := tokens[begin:end])]
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(session.feed(piece, wanted=0).tobytes())
        yield LogitsHash(isa, arithmetic, threads, len(pieces), digest.hexdigest())
