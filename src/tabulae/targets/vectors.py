"""What a target is tested with: integers at random for all inputs, and what the reference interpreter says to them."""

from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.nets.builder import Built
from tabulae.program.interpreter import Interpreter
from tabulae.program.proof import Range


class Vectors(NamedTuple):
    """By name, one row for every example [n, ...]."""

    inputs: dict[str, Int64s]
    answers: dict[str, Int64s]  # of the outputs


def vectors(built: Built, n: int, seed: int = 0) -> Vectors:
    """``n`` examples; the first two are the ends of all intervals."""
    program, rng = built.program, np.random.default_rng(seed)
    inputs = {}
    for name in program.inputs:
        low, high = Range.of(program.values[name]).elements(program.values[name])
        inputs[name] = rng.integers(low, high + 1, (n, *program.values[name].static))
        inputs[name][:2] = np.stack([low, high])[:n]
    found = Interpreter(program, {}, arrays=built.arrays).run(inputs)
    return Vectors(inputs, {name: found[name] for name in program.outputs})
