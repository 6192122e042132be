"""What the experts of a position gave, as one."""

import numpy as np

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out


class Combine(Operation, frozen=True, tag="combine"):
    """``out[p] = sum_s shares[p, s] * input[p, s]``, from +0, in the order of choices, which is that of experts."""

    input: In  # [positions, top, width]
    shares: In  # [positions, top]
    out: Out  # [positions, width]

    def check(self, at: Check) -> None:
        at.one_axis(self)
        given, top, width = at.values[self.input].shape, at.width(self.shares), at.width(self.out)
        at.must(given[1:] == (top, width), f"the input must have {top} choices of {width} columns", given)

    def run(self, at: Env) -> None:
        x, shares = at.values[self.input], at.values[self.shares]
        out = np.zeros(x[:, 0].shape, np.float32)
        for slot in range(shares.shape[1]):
            out += shares[:, slot, None] * x[:, slot]
        at.values[self.out] = out
