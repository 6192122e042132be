"""Formats: how one tensor is stored, and what that loses.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.standard_normal((256, 512), np.float32)
>>> encoded = encode(parse("normal:4/g64/signmax"), x)
>>> encoded.bits / x.size, encoded.codes.dtype
(4.15625, dtype('uint8'))
>>> print(f"R = {np.linalg.norm(encoded.decode() - x) / np.linalg.norm(x):.3f}")
R = 0.087

Which one? Weights of trained networks are nearly Normal within a block: ``normal:4/g64/signmax`` loses least among
the 4-bit blocks with a fixed codebook; ``signmax`` spends no codepoint on the side opposite to the largest weight,
which gains most below 4 bits. ``t`` and ``laplace`` are for heavier tails, ``lloyd`` for everything odd,
``int:8/row/absmax`` where next to nothing may be lost, ``search`` with an importance where calibration data is at hand.
"""

from tabulae.formats.element import Element, families
from tabulae.formats.encoded import Encoded
from tabulae.formats.encoding import encode
from tabulae.formats.format import Format
from tabulae.formats.grammar import parse
from tabulae.formats.input_statistics import InputStatistics
from tabulae.formats.storage import Storage

__all__ = ["Element", "Encoded", "Format", "InputStatistics", "Storage", "encode", "families", "parse"]
