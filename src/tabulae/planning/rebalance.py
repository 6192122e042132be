"""Sizes that were expected, corrected by those that are known: what codes of variable length take is seen once encoded.

>>> options = {"w": [Candidate("grid:3/row/rms", 100, 150, 1.0), Candidate("grid:4/row/rms", 140, 150, 0.3),
...                  Candidate("int:4/row/absmax", 160, 160, 0.5)]}
>>> [c.file for c in corrected(options, {"w": {"grid:3/row/rms": (110, 150)}})["w"]]
[110, 154, 160]
"""

from collections.abc import Mapping, Sequence
from math import ceil

from msgspec.structs import replace

from tabulae.formats import Storage
from tabulae.planning.candidates import Candidate
from tabulae.planning.items import Options

Known = Mapping[str, Mapping[str, tuple[int, int]]]  # tensor -> storage -> bytes in the file, resident


def corrected(options: Options, known: Known) -> Options:
    """Candidates with real sizes where they are known; of the same tensor, others are longer in proportion."""
    return {name: _corrected(one, known[name]) if name in known else one for name, one in options.items()}


def certain(options: Options, known: Known) -> Options:
    """Only those candidates whose sizes are known or exact; where there is none, all of the tensor's."""
    found = {
        name: [c for c in one if not _varies(c) or c.storage in known.get(name, {})]
        for name, one in corrected(options, known).items()
    }
    return {name: one or options[name] for name, one in found.items()}


def _corrected(candidates: Sequence[Candidate], known: Mapping[str, tuple[int, int]]) -> list[Candidate]:
    expected = {candidate.storage: candidate.file for candidate in candidates}
    ratios = [file / expected[form] for form, (file, _) in known.items() if form in expected]
    longer = max(ratios, default=1.0)
    return [_resized(candidate, known.get(candidate.storage), longer) for candidate in candidates]


def _resized(candidate: Candidate, known: tuple[int, int] | None, longer: float) -> Candidate:
    if known is not None:
        return replace(candidate, file=known[0], memory=known[1])
    return replace(candidate, file=ceil(candidate.file * longer)) if _varies(candidate) else candidate


def _varies(candidate: Candidate) -> bool:
    """Whether how long its codes are is known only once they are there."""
    return Storage.parse(candidate.storage).format.entropy
