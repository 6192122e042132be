"""Names and other text that come from files: what is accepted, and how it is shown."""

from collections.abc import Collection, Iterable
from typing import Final

from tabulae.errors import TableModelError

RESERVED: Final = "tabulae."  # names of blobs and of the seal start so, names of tensors do not


def check_name(name: str, *, blob: bool = False) -> None:
    """Refuse a name that could mislead whoever sees it, or that stands for something else."""
    if not 1 <= len(name) <= 256:
        raise TableModelError("name", "a name must have 1 to 256 characters", len(name))
    if not name.isprintable():  # also turns away lone surrogates and marks that change the direction of text
        raise TableModelError("name", "a name must consist of printable characters", ascii(name))
    if name.startswith(RESERVED) != blob or name in ("__metadata__", "tabulae.seal"):
        raise TableModelError("name", f"names that start with {RESERVED!r} must be of blobs and no others", repr(name))


def shown(value: object) -> str:
    """Text from a file, fit for an error message: short, and without control characters.

    >>> print(shown("a\\x1b[2J" + 1000 * "b")[:12])
    a\\x1b[2Jbbbb
    """
    text = str(value)[:200]
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)[:200]


def first_repeat(names: Iterable[str]) -> str | None:
    """The first name that stood there before.

    >>> first_repeat(["a", "b", "a"])
    'a'
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def check_unique(what: str, names: Iterable[str]) -> None:
    """Refuse a name that is there twice."""
    twice = first_repeat(names)
    if twice is not None:
        raise TableModelError(what, "every name must be used once", f"{shown(twice)!r} twice")


def nearest_set(found: Collection[str], *sets: Collection[str]) -> set[str]:
    """Of several sets of names the one that has most of those found; the first where some have as many.

    >>> sorted(nearest_set(["a[0:1]", "b"], ["a", "b"], ["a[0:1]", "a[1:2]", "b"]))
    ['a[0:1]', 'a[1:2]', 'b']
    """
    return max(map(set, sets), key=lambda names: len(names.intersection(found)))
