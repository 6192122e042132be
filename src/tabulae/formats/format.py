"""A storage format for one tensor: element x scaling x outliers x gain x coding, with a name that says it all.

>>> from tabulae.formats import parse
>>> form = parse("normal:4/g64/signmax")
>>> form.group, form.codebook.round(3)[-3:], str(form)
(64, array([0.636, 0.792, 1.   ]), 'normal:4/g64/signmax')
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from tabulae.arithmetic.arrays import Float64s
from tabulae.errors import UsageError
from tabulae.formats.codebook import Codebook
from tabulae.formats.density import Base
from tabulae.formats.element import Element, number_text
from tabulae.formats.gain import DEFAULT_GAIN, GAINS

SCALES = ("rms", "absmax", "signmax", "search")
BLOCK = 32  # groups consist of whole blocks of activation codes
GRANULARITY = re.compile(r"tensor|row|g([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Format:
    """How a tensor is stored; ``grammar.parse`` reads the name that ``str`` writes."""

    element: Element
    granularity: str  # tensor, row or gN: what shares a scale
    scale: str  # rms, absmax, signmax or search
    sparse: float = 0.0  # the share of the weights that are outliers
    gain: str = DEFAULT_GAIN
    entropy: bool = False  # whether codes are stored with variable length; always, if the element is made for that

    def __post_init__(self) -> None:
        match = GRANULARITY.fullmatch(self.granularity)
        if not match or int(match[1] or BLOCK) % BLOCK:
            hint = f"accepted: tensor, row, or gN with N a multiple of {BLOCK}, such as g64"
            raise UsageError("format", "the granularity must be known", self.granularity, hint)
        self._check_scale()
        if not 0 <= self.sparse < 1:
            raise UsageError(
                "format", "the share of outliers must be at least 0 and below 1", self.sparse, "such as sparse=0.001"
            )
        object.__setattr__(self, "entropy", self.entropy or self.element.entropy)
        if self.gain not in GAINS:
            raise UsageError("format", "the gain must be known", self.gain, f"accepted: {', '.join(GAINS)}")

    def _check_scale(self) -> None:
        accepted = [scale for scale in self.element.scales if scale != "signmax" or self.group]
        if self.scale not in accepted:
            pair = f"{self.scale} with {self.element} and granularity {self.granularity}"
            more = ", signmax with gN" if "signmax" in self.element.scales and not self.group else ""
            raise UsageError(
                "format", "element, granularity and scale must fit", pair, f"accepted: {', '.join(accepted)}{more}"
            )
        if self.scale == "signmax" and "sign=" in str(self.element):
            raise UsageError("format", "signmax must be without sign=", self.element, "it has its own codebook")

    def __str__(self) -> str:
        sparse = f"/sparse={number_text(self.sparse)}" if self.sparse else ""
        gain = f"/gain={self.gain}" if self.gain != DEFAULT_GAIN else ""
        entropy = "/entropy" if self.entropy and not self.element.entropy else ""
        return f"{self.element}/{self.granularity}/{self.scale}{sparse}{gain}{entropy}"

    @property
    def group(self) -> int | None:
        """Columns that share a multiplier; None for tensor and row."""
        return int(self.granularity[1:]) if self.granularity[0] == "g" else None

    @property
    def base(self) -> Base:
        """What a scale measures of its weights: their RMS or their (signed) largest magnitude."""
        if self.scale == "rms" or (self.scale == "search" and self.granularity == "tensor"):
            return "rms"
        return "signmax" if self.scale == "signmax" else "absmax"

    @property
    def stored(self) -> Codebook:
        """The codebook with its integers; of a fitted element, the one for Normal weights."""
        return _codebook(self.element, self.base, self.group)

    @property
    def codebook(self) -> Float64s:
        """The ideal codepoints, float64 [<= 2**bits], ascending, where the scale's measure (``base``) is 1."""
        return self.stored.values.copy()


@lru_cache(maxsize=256)
def _codebook(element: Element, base: Base, group: int | None) -> Codebook:
    return element.codebook(base, group)
