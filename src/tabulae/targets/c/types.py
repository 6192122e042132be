"""Types of C for integers of an interval, and how integers are written, also where ``int`` has 16 bits."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Integers
from tabulae.errors import ModelError

Bits = Literal[8, 16, 32]
WIDTHS: tuple[Bits, ...] = (8, 16, 32)


def holding(low: int, high: int) -> str:
    """The narrowest type; of 16 bits a signed one if it can be, because ``int`` may be no wider to compare it in.

    >>> holding(0, 200), holding(-1, 200), holding(0, 300), holding(-(2**31), 0)
    ('uint8_t', 'int16_t', 'int16_t', 'int32_t')
    """
    bits = next((n for n in WIDTHS if -(2 ** (n - 1)) <= low and high < 2 ** (n - (low < 0))), None)
    if bits is None:
        raise ModelError("target c", "integers must fit 32 bits", (low, high))
    signed = low < 0 or (bits > 8 and high < 2 ** (bits - 1))
    return f"{'' if signed else 'u'}int{bits}_t"


def narrowest(values: Integers) -> Integers:
    """Integers as they are stored; words of packed codes (uint32) as they are."""
    if values.dtype == np.uint32:
        return values
    wide = values.astype(np.int64)
    kind = holding(int(wide.min(initial=0)), int(wide.max(initial=0)))
    return np.ascontiguousarray(wide, kind.removesuffix("_t"))


def width(kind: str) -> Bits:
    """Bits of a type.

    >>> width("uint16_t")
    16
    """
    return next(bits for bits in WIDTHS if str(bits) in kind)


def working(magnitude: int) -> str:
    """What sums are made in that never leave this magnitude: at least that wide, and fast."""
    return "int_fast16_t" if magnitude < 2**15 else "int_fast32_t"


def counter(n: int) -> str:
    """What counts to n, and fast."""
    return "uint_fast8_t" if n < 2**8 else "uint_fast16_t" if n < 2**16 else "uint_fast32_t"


def literal(value: int) -> str:
    """A constant of any size: long where 16 bits do not hold it.

    >>> literal(5), literal(40000), literal(2**31)
    ('5', '40000L', '2147483648UL')
    """
    if value == -(2**31):
        return "(-2147483647L - 1)"
    return f"{value}" + ("" if abs(value) < 2**15 else "L" if value < 2**31 else "UL")


def typed(values: Integers) -> str:
    """The type that an array is stored with."""
    return f"{narrowest(values).dtype.name}_t"


def rows(values: Integers, longest: int = 112) -> list[str]:
    """Lines of an initialiser."""
    as_words = values.dtype == np.uint32
    texts = [f"0x{v:08x}UL" if as_words else literal(v) for v in values.reshape(-1).tolist()]
    return wrapped([f"{text}," for text in texts], longest)


def wrapped(words: Sequence[str], longest: int) -> list[str]:
    """Words in lines."""
    lines, line = list[str](), ""
    for word in words:
        if line and len(line) + 1 + len(word) > longest:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines
