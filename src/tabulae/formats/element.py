"""What a weight may be rounded to: the element families and how they are found.

A family is one file in ``elements/`` with a frozen dataclass derived from ``Element``; its fields are its options (the
one without a default, mostly ``bits``, behind a colon, the others written ``key=value`` in a name). Nothing else needs
to know of it.

>>> sorted(families())[:4]
['e2m1', 'e3m0', 'grid', 'int']
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

from tabulae.errors import UsageError
from tabulae.formats.codebook import Codebook
from tabulae.formats.density import Base, Density

SIGNS = ("sym", "asym")


@dataclass(frozen=True)
class Element(ABC):
    """One way to place codepoints; derived classes add their options as fields."""

    name: ClassVar[str]
    entropy: ClassVar[bool] = False  # whether its codes are always stored with variable length
    own_codebook: ClassVar[bool] = False  # whether the codepoints must be stored with the weights
    reaches: ClassVar[bool] = False  # whether a scale is raised where the largest weight would be clipped
    scales: ClassVar[tuple[str, ...]] = ("rms", "absmax", "signmax", "search")  # the scales it can be used with
    bits: int  # of a code in memory, at most

    def __str__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.init}
        size = number_field(type(self))
        number = f":{number_text(values.pop(size))}" if size else ""
        changed = {key: value for key, value in values.items() if value != getattr(type(self), key)}
        return self.name + number + "".join(f",{key}={number_text(value)}" for key, value in changed.items())

    def code_bits(self, codebook: Codebook) -> int:
        """Bits of a code in memory, once the codebook is known."""
        return self.bits

    @abstractmethod
    def codebook(self, base: Base, group: int | None) -> Codebook:
        """The codepoints in units of ``base``, for groups of so many columns (None: a row or a whole tensor)."""


@dataclass(frozen=True)
class FittedElement(Element):
    """An element whose codebook is made from the weights themselves."""

    own_codebook = True
    counted: ClassVar[bool] = False  # whether a fit counts weights, instead of weighing them by what their errors cost

    @abstractmethod
    def fit(self, density: Density) -> Codebook:
        """The codebook for weights that were divided by their scales."""


def number_field(family: type[Element]) -> str | None:
    """The field of the number behind the colon of a name: the one that has no default."""
    return next((field.name for field in fields(family) if field.init and field.default is MISSING), None)


def number_text(value: float | str) -> str:
    """The shortest text that reads back as the same value.

    >>> number_text(5.0), number_text(0.001), number_text("asym")
    ('5', '0.001', 'asym')
    """
    return str(value).removesuffix(".0")


def check_bits(element: Element, low: int, high: int) -> None:
    """Refuse a number of bits that a family has no use for."""
    if not low <= element.bits <= high:
        what = f"format {element.name}"
        raise UsageError(what, f"bits must be {low} to {high}", element.bits, f"such as {element.name}:4")


def check_sign(name: str, sign: str) -> None:
    """Refuse a sign option other than ``sym`` and ``asym``."""
    if sign not in SIGNS:
        raise UsageError(f"format {name}", "sign must be known", sign, "accepted: sign=sym, sign=asym")


def families() -> dict[str, type[Element]]:
    """Every element family by name."""
    _import_all()
    return {family.name: family for family in _descendants(Element) if "name" in vars(family)}


@cache
def _import_all() -> None:
    package = import_module("tabulae.formats.elements")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")


def _descendants(family: type) -> Iterator[type[Element]]:
    child: type[Element]
    for child in family.__subclasses__():
        yield child
        yield from _descendants(child)
