"""Names of formats: ``element[:bits][,key=value]*/granularity/scale[/sparse=f][/gain=ls|unbiased][/entropy]``.

>>> parse("t:4,nu=7/row/search/sparse=0.001")  # doctest: +NORMALIZE_WHITESPACE
Format(element=StudentT(bits=4, sign='sym', nu=7.0), granularity='row', scale='search', sparse=0.001, gain='ls',
       entropy=False)
>>> str(parse("int:8,sign=asym/row/absmax/gain=ls")), str(parse("grid:3.50/row/rms/entropy"))
('int:8/row/absmax', 'grid:3.5/row/rms')
"""

import re
from collections.abc import Iterable
from dataclasses import fields
from functools import lru_cache
from typing import Any

from tabulae.errors import UsageError
from tabulae.formats.element import Element, families, number_field
from tabulae.formats.format import Format

NAME = "element[:bits][,key=value]/granularity/scale[/sparse=f][/gain=ls|unbiased][/entropy]"
FORM = f"{NAME}, such as normal:4/g64/signmax"
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
OPTIONS = ("sparse", "gain")
ENTROPY = "entropy"


@lru_cache(maxsize=1024)
def parse(name: str) -> Format:
    """The format of that name; a ``UsageError`` names what is accepted."""
    parts = name.split("/")
    if len(parts) < 3:
        raise UsageError("format", f"a name must read {FORM}", repr(name))
    element, granularity, scale, *rest = parts
    entropy = rest[-1:] == [ENTROPY]
    options = _options("format", rest[:-1] if entropy else rest, OPTIONS)
    if list(options) != [key for key in OPTIONS if key in options]:
        raise UsageError("format", "options must stand in order", "/".join(rest), f"the order: {', '.join(OPTIONS)}")
    values: dict[str, Any] = {key: _number(key, text) if key == "sparse" else text for key, text in options.items()}
    return Format(parse_element(element), granularity, scale, entropy=entropy, **values)


def parse_element(text: str) -> Element:
    """The element of that name.

    >>> parse_element("int:4,sign=sym")
    Integer(bits=4, sign='sym')
    """
    head, *rest = text.split(",")
    name, colon, number = head.partition(":")
    family = families().get(name)
    if family is None:
        raise UsageError(
            "format", "the element must be known", repr(name), f"accepted: {', '.join(sorted(families()))}"
        )
    values = _number_behind(family, head, number if colon else None)
    known = {field.name: field.default for field in fields(family) if field.init and field.name not in values}
    for key, value in _options(f"format {name}", rest, known).items():
        values[key] = _number(key, value) if isinstance(known[key], float) else value
    return family(**values)


def _number_behind(family: type[Element], head: str, number: str | None) -> dict[str, Any]:
    """The number behind the colon by the name of its field: 1 to 9 for ``bits``, others may have a fraction."""
    field = number_field(family)
    if (field is None) != (number is None) or (field == "bits" and not re.fullmatch("[1-9]", number or "")):
        must = "a number of bits must follow" if field else "no number of bits may follow"
        hint = f"such as {family.name}:4" if field else f"such as {family.name}"
        raise UsageError(f"format {family.name}", must, repr(head), hint)
    if field is None or number is None:
        return {}
    return {field: int(number) if field == "bits" else _number(field, number)}


def _options(what: str, texts: list[str], known: Iterable[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if key not in known or not equals or key in options:
            accepted = ", ".join(f"{key}=" for key in known) or "none"
            raise UsageError(what, "an option must be known and stand once", repr(text), f"accepted: {accepted}")
        options[key] = value
    return options


def _number(key: str, text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise UsageError("format", f"{key} must be a number", repr(text), "such as 0.001 or 7")
    return float(text)
