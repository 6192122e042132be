"""Rotary positions (Su et al. 2021)."""

from typing import Annotated

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.arithmetic.polynomials import cos, sin
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import Constant, InOut, Operation
from tabulae.program.value import Size

ANGLE = 2.0**20  # to which sine and cosine are right (arithmetic/polynomials.py)


class Rotary(Operation, frozen=True, tag="rotary"):
    """Rotate pairs ``(i, i + rotary/2)`` of every head in place; ``inv_freq [rotary/2]`` is a constant of the graph.

    Which constant is chosen once, by the positions that the sequence has room for: what a position gives must not
    depend on how many came with it.
    """

    buffer: InOut
    inv_freq: Constant
    head: Size  # columns per head; the first 2 * len(inv_freq) of them turn
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0  # of cosines and sines
    long: Constant | None = None  # in place of inv_freq where there is room for more than ``original`` positions
    original: Size = 1

    def frequencies(self, context: int) -> str:
        """The name of the constant for a sequence with room for ``context`` positions."""
        return self.long if self.long is not None and context > self.original else self.inv_freq

    def check(self, at: Check) -> None:
        at.all_positions(self)
        at.must(self.head > 0 and at.width(self.buffer) % self.head == 0, "a head must divide the buffer", self.head)
        for name in self.names("constant"):
            self._check_angles(at, name)

    def _check_angles(self, at: Check, name: str) -> None:
        """Angles must stay where sine and cosine are right; far beyond, an integer of a float64 has no meaning."""
        at.must(name in at.constants, "its frequencies must be a constant of the program", name)
        values, context = at.constants[name], at.context
        at.must(2 * len(values) <= self.head, f"at most the head's {self.head} columns can turn", 2 * len(values))
        largest = max(map(abs, values), default=0.0) * (context - 1)
        must = f"angles must stay below 2^20 in a context of {context}"
        at.must(largest < ANGLE, must, f"{largest:.3g}", f"constant {name}")

    def run(self, at: Env) -> None:
        inv_freq = at.constants[self.frequencies(at.context)]
        at.values[self.buffer] = rotary(at.values[self.buffer], at.positions, inv_freq, self.head, self.scale)


def rotary(x: Float32s, positions: Int64s, inv_freq: Float32s, head: int, scale: float = 1.0) -> Float32s:
    """In every head ``(a, b) = x[i], x[i + half]`` becomes ``a cos - b sin, b cos + a sin``; the rest stays.

    Cosines and sines are multiplied by ``scale`` first.
    """
    angle = positions.astype(np.float32)[:, None] * inv_freq  # [n, half]
    c, s = (turn(angle)[:, None] * np.float32(scale) for turn in (cos, sin))
    half = len(inv_freq)
    heads = x.reshape(len(x), -1, head)
    a, b, rest = heads[..., :half], heads[..., half : 2 * half], heads[..., 2 * half :]
    return np.concatenate([a * c - b * s, b * c + a * s, rest], axis=2).reshape(x.shape)
