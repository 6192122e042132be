"""Identifiers of C: which are refused, and what the names of values become."""

import re
from collections.abc import Iterable

from tabulae.errors import UsageError

LONGEST = 20  # C99 looks at 31 characters of what is linked; the longest thing behind a name needs the rest
_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm
bool catch class constexpr delete explicit export false friend mutable namespace new nullptr operator private
protected public template this throw true try typeid typename typeof using virtual wchar_t and and_eq bitand
bitor compl not not_eq or or_eq xor xor_eq main errno stdin stdout stderr linux unix
"""
KEYWORDS = frozenset(_WORDS.split())
_OURS = frozenset(["arena", "READ", "FLASH"]) | {f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def check_name(name: str) -> None:
    """Refuse a name that functions and files cannot begin with.

    >>> check_name("while")
    Traceback (most recent call last):
    tabulae.errors.UsageError: [name] it must be an identifier of C, but got while, a keyword; accepted: a letter, ...

    :raises UsageError: it is no identifier, a keyword of C or C++, or too long
    """
    accepted = f"accepted: a letter, then letters, digits and _, {LONGEST} at most"
    if name in KEYWORDS:
        raise UsageError("name", "it must be an identifier of C", f"{name}, a keyword", accepted)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or len(name) > LONGEST:
        raise UsageError("name", "it must be an identifier of C", repr(name), accepted)


def identifiers(names: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """An identifier for every name, each its own.

    >>> identifiers(["h.sums", "h_sums", "for", "1st"])
    {'h.sums': 'h_sums', 'h_sums': 'h_sums_2', 'for': 'for_2', '1st': 'v_1st'}
    """
    found, taken = dict[str, str](), {*KEYWORDS, *_OURS, *reserved}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "v"
        plain = plain if plain[0].isalpha() else f"v_{plain}"
        found[name] = free(plain, taken)
        taken.add(found[name])
    return found


def comment(text: str) -> str:
    """Text that may hold names of any characters, as it can stand in a comment.

    >>> comment("x*/ system(); /* \\n y")
    'x* / system(); / * ? y'
    """
    plain = re.sub(r"[^ -~]|\\\\", "?", text)
    return plain.replace("*/", "* /").replace("/*", "/ *")


def free(wanted: str, taken: Iterable[str]) -> str:
    """The name, or with the first number behind it that is free."""
    taken, number, name = set(taken), 2, wanted
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name
