"""Soft caps of logits (Gemma)."""

from typing import Annotated

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.polynomials import tanh
from tabulae.program.env import Env
from tabulae.program.operation import InOut, Operation


class SoftCap(Operation, frozen=True, tag="soft_cap"):
    """``buffer = cap * tanh(buffer / cap)``: no value is larger than the cap."""

    buffer: InOut
    cap: Annotated[float, msgspec.Meta(gt=0)]

    def run(self, at: Env) -> None:
        at.values[self.buffer] = soft_cap(at.values[self.buffer], self.cap)


def soft_cap(x: Float32s, cap: float) -> Float32s:
    """``cap * tanh(x / cap)``: a division, the tangent, a product."""
    return np.float32(cap) * tanh(x / np.float32(cap))
