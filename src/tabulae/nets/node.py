"""What a trained net is made of, and how one piece of it becomes integers.

A node is one file in ``nodes/``: its meaning in floating point, and what it asks of a compiler. Adding one is one new
file; readers of models (``nets/readers/``) make them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from tabulae.nets.lowering import Lowering

Floats = npt.NDArray[Any]  # float32 or float64, as the model computes
Values = Mapping[str, Floats]  # [examples, ...] by name


@dataclass(frozen=True, eq=False)
class Node:
    """Writes one value."""

    out: str

    def reads(self) -> tuple[str, ...]:
        """Names of the values that it needs."""
        raise NotImplementedError

    def run(self, values: Values) -> Floats:
        """What it means, in floating point."""
        raise NotImplementedError

    def lower(self, at: Lowering) -> None:
        """Say by integers what it says by floats."""
        raise NotImplementedError
