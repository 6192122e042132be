"""Functions of single numbers: activations, scalings, batch norm. They cost nothing; thresholds hold them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tabulae.errors import ModelError
from tabulae.nets.carried import Carried
from tabulae.nets.levels import fit, plain
from tabulae.nets.lowering import FINE, Lowering
from tabulae.nets.node import Floats, Node, Values
from tabulae.program.ops.lookup import Lookup


@dataclass(frozen=True, eq=False)
class Function(Node):
    """``out = function(input)``, number by number; it may differ from channel to channel of the last axis."""

    input: str
    function: Callable[[Floats], Floats]
    rising: bool = True  # it never falls, in any channel
    homogeneous: bool = False  # f(s x) = s f(x) for every positive s

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        return self.function(values[self.input])

    def lower(self, at: Lowering) -> None:
        given = at.carried[self.input]
        if not self.rising and given.levels is None:
            given = at.codes(self.input, bits=FINE)
        at.carried[self.out] = given.then(self.function, self.rising, homogeneous=self.homogeneous)


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
        if given.levels is not None and (np.asarray(self.scale) > 0).all():
            at.carried[self.out] = type(given).codes(given.value, given.levels.scaled(self.scale, self.shift))
            return
        rising = bool((np.asarray(self.scale) >= 0).all())
        Function(self.out, self.input, lambda x: x * self.scale + self.shift, rising).lower(at)


@dataclass(frozen=True, eq=False)
class Places(Node):
    """``out = input * scale``, of every place its own: means at a border, where fewer numbers count."""

    input: str
    scale: Floats  # the shape of an example, or what is broadcast to it; positive

    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def run(self, values: Values) -> Floats:
        return values[self.input] * self.scale

    def lower(self, at: Lowering) -> None:
        given, builder = at.carried[self.input], at.builder
        shape, within = builder.values[given.value].static, builder.ranges[given.value]
        levels = fit(at.samples[self.out], 2**at.choices.bits)
        meant, begin = given.table(within)
        scales, choice = np.unique(np.broadcast_to(self.scale, shape).reshape(-1), return_inverse=True)
        if (meant != meant[0]).any():
            raise ModelError(self.out, "channels must mean the same where places differ", "others")
        codes = levels.codes(meant[0] * scales[:, None])
        out = at.fresh(self.out)
        tables, chosen = builder.array(f"{out}.tables", codes), builder.array(f"{out}.choice", choice.reshape(-1))
        op = Lookup(given.value, tables, out, begin=begin, choice=chosen)
        at.carried[self.out] = Carried.codes(builder.add(op, shape, plain(levels.unit)), levels)
