"""Which formats a tensor may get, and what each of them costs and loses.

Formats that differ in bits alone form a *line*: log2 of their error falls nearly straight with the bits, so some are
measured and the others interpolated. The lists are data: one family more is one line more.

>>> [name for line in lines() for name in line.names][:3]
['lloyd:2/g64/search', 'lloyd:3/g64/search', 'lloyd:4/g64/search']

Chosen on SmolLM2 with smooth weights, errors weighed by importance (211 tensors): of ``lloyd``, ``normal``, ``t`` in
groups of 32 to 192 columns and whole rows, ``lloyd/search`` in groups of 32, 64 and 128 makes up nearly all of the
lower convex hulls from 2 to 7 bits, and ``t:8`` in groups of 32 and 64 the rest: ``lloyd:8`` has 3 % less error, and
takes thirty times as long to fit.
"""

from dataclasses import dataclass

import msgspec

from tabulae.formats.element import number_text

ZERO = "int:2/tensor/absmax/entropy"  # what an all-zero tensor gets: next to nothing in the file


@dataclass(frozen=True)
class Line:
    """Formats that differ in bits; ``template`` holds ``{b}`` in their place."""

    template: str
    bits: tuple[float, ...]  # ascending
    measured: tuple[float, ...]  # those that are encoded, ascending; the others lie on the curve through them

    def name(self, bits: float) -> str:
        """The format with so many bits."""
        return self.template.replace("{b}", number_text(bits))

    @property
    def names(self) -> tuple[str, ...]:
        """All its formats."""
        return tuple(self.name(bits) for bits in self.bits)


def single(name: str) -> Line:
    """One format by itself, measured."""
    return Line(name, (0,), (0,))


# Every one has a fast kernel. The last is what embeddings get where nobody plans: a plan must be able to choose it.
LINES = (
    Line("lloyd:{b}/g64/search", (2, 3, 4, 5, 6, 7), measured=(3, 6)),
    Line("lloyd:{b}/g128/search", (2, 3, 4, 5, 6, 7), measured=(3, 6)),
    Line("lloyd:{b}/g32/search", (2, 3, 4, 5, 6, 7), measured=(3, 6)),
    single("t:8/g64/search"),
    single("t:8/g32/search"),
    single("int:8/row/absmax"),
)

# Smaller in the file, larger in memory: codes of variable length. Beyond 6 bits 127 steps reach the largest weights of
# fewer and fewer rows, and the line bends: there a few weights beside the codes (one in 2,000, a tenth fewer tokens a
# second) or a searched scale keep it straight. With one scale for a whole tensor R falls by 3 %, and KL grows sixfold:
# quiet rows matter more than R says.
ENTROPY_LINES = (
    Line("grid:{b}/row/rms", tuple(quarter / 4 for quarter in range(6, 28)), measured=(2.5, 4.5, 6.5)),
    Line("grid:{b}/row/rms/sparse=0.0005", (6, 6.25, 6.5, 6.75, 7), measured=(6, 6.5, 7)),
    single("int:8/row/search/entropy"),
    single("t:8/g64/search/entropy"),
    single("t:7/g32/search/entropy"),
    single("t:8/g32/search/entropy"),
)

# Outliers are added one by one, beside the kernel.
SLOW_LINES = (
    Line("lloyd:{b}/g64/search/sparse=0.001", (2, 3, 4, 5, 6), measured=(3, 5)),
    Line("lloyd:{b}/row/search/sparse=0.005", (2, 3, 4, 5, 6), measured=(3, 5)),
)


def lines(*, entropy: bool = False, any_format: bool = False) -> tuple[Line, ...]:
    """The formats that are tried: fixed-length ones with a fast kernel, and more if wanted.

    >>> lines(entropy=True)[len(lines())].names[:3]
    ('grid:1.5/row/rms', 'grid:1.75/row/rms', 'grid:2/row/rms')
    """
    return LINES + (SLOW_LINES if any_format else ()) + (ENTROPY_LINES if entropy else ())


class Candidate(msgspec.Struct, frozen=True):
    """One tensor in one storage."""

    storage: str  # its name
    file: int  # bytes of its entries, padding included
    memory: int  # bytes resident
    loss: float  # predicted, in nats
    header: int = 0  # bytes of the header that it takes
    input: tuple[int | None, int] | None = None  # what it asks of its input: tables of one input agree on it
