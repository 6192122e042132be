"""Functions of single numbers: activations, scalings, batch norm. They cost nothing; thresholds hold them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tabulae.nets.lowering import FINE, Lowering
from tabulae.nets.node import Floats, Node, Values


@dataclass(frozen=True, eq=False)
class Function(Node):
    """``out = function(input)``, number by number; it may differ from channel to channel of the last axis."""

    input: str
    function: Callable[[Floats], Floats]
    rising: bool = True  # it never falls, in any channel

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        return self.function(values[self.input])

    def lower(self, at: Lowering) -> None:
        given = at.carried[self.input]
        if not self.rising and given.levels is None:
            given = at.codes(self.input, bits=FINE)
        at.carried[self.out] = given.then(self.function, self.rising)


@dataclass(frozen=True, eq=False)
class Scale(Node):
    """``out = input * scale + shift``, of every channel its own: standardised features, batch norm."""

    input: str
    scale: Floats  # [channels]
    shift: Floats  # [channels]

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        return values[self.input] * self.scale + self.shift

    def lower(self, at: Lowering) -> None:
        given = at.carried[self.input]
        if given.levels is not None:
            at.carried[self.out] = type(given).codes(given.value, given.levels.scaled(self.scale, self.shift))
            return
        rising = bool((np.asarray(self.scale) >= 0).all())
        Function(self.out, self.input, lambda x: x * self.scale + self.shift, rising).lower(at)
