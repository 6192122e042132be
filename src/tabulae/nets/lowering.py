"""A net on the way from floats to integers: what stands for every value so far, and how it becomes codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.errors import UsageError
from tabulae.formats import parse
from tabulae.nets.builder import Builder
from tabulae.nets.carried import Carried
from tabulae.nets.levels import Levels, Numbers, fit, plain, spread
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.lookup import Lookup

FINE = 10  # bits of codes from which a function that is not monotone is looked up


@dataclass(frozen=True)
class Choices:
    """How coarse a net becomes.

    :raises UsageError: bits beyond 1 to 16, or an unknown format
    """

    bits: int = 4  # of codes between layers
    weights: str = "int:4/row/search"  # a format with one scale for a row or a tensor
    input_bits: int = 8  # of inputs that are no small integers

    def __post_init__(self) -> None:
        for bits in (self.bits, self.input_bits):
            if not 1 <= bits <= 16:
                raise UsageError("bits", "values must have 1 to 16 bits", bits)
        parse(self.weights)


@dataclass(frozen=True, eq=False)
class Lowering:
    """``samples`` are the trained net's values on the user's data; grids are fitted to them."""

    samples: Mapping[str, Float64s]
    choices: Choices
    last: frozenset[str]  # values that no later layer encodes: their channels must have one unit
    builder: Builder = field(default_factory=Builder)
    carried: dict[str, Carried] = field(default_factory=dict)

    def codes(self, name: str, *, bits: int | None = None) -> Carried:
        """The value as codes of a grid, all channels the same; from now on for all that read it."""
        found = self.carried[name]
        if found.given:
            return found
        count = 2 ** (self.choices.bits if bits is None else bits)
        if found.levels is None or not found.levels.is_shared or found.levels.count > count:
            return self.encoded(name, fit(self.samples[name], count))
        return found

    def linear(self, name: str) -> Carried:
        """The value as codes of a grid, each channel maybe of its own."""
        found = self.carried[name]
        few = found.levels is not None and found.levels.count <= 2**self.choices.bits
        if few or found.given:
            return found
        if found.levels is not None and not found.levels.is_shared:
            return self.encoded(name, spread(self.samples[name], 2**self.choices.bits))
        return self.codes(name)

    def encoded(self, name: str, levels: Levels) -> Carried:
        """The value as codes of this grid, from now on: by thresholds where its meaning rises, else by tables."""
        found = self.carried[name] = self.as_codes(name, self.carried[name], levels)
        return found

    def as_codes(self, name: str, found: Carried, levels: Levels) -> Carried:
        """What stands for a value as codes; the operation is called by the value's name."""
        return (self._by_thresholds if found.rising else self._by_tables)(name, found, levels)

    def given(self, name: str, *, compared: bool) -> Carried:
        """An output: its integers mean a line; fine codes are made where functions follow sums.

        ``compared``: and the same line in all channels.
        """
        found = self.carried[name]
        line = found.line()
        if line is None or (compared and not _is_one(*line)):
            found = self.codes(name, bits=FINE)
        return found

    def _by_thresholds(self, name: str, found: Carried, levels: Levels) -> Carried:
        builder, out = self.builder, self.fresh(f"{name}.codes")
        thresholds = found.thresholds(levels, builder.ranges[found.value])
        op = Encode(found.value, builder.array(f"{out}.thresholds", thresholds), out)
        return Carried.codes(builder.add(op, builder.values[found.value].static, plain(levels.unit)), levels)

    def _by_tables(self, name: str, found: Carried, levels: Levels) -> Carried:
        every, begin = found.every(self.builder.ranges[found.value])
        codes = np.ascontiguousarray(found.coded(levels)(every).T)
        return Carried.codes(self.looked_up(name, found.value, codes, begin), levels)

    def looked_up(self, name: str, value: str, tables: Int64s, begin: int) -> str:
        """What tables [channels, entries] make of a value; equal ones are stored once."""
        builder, out = self.builder, self.fresh(f"{name}.function")
        distinct, choice = np.unique(tables, axis=0, return_inverse=True)
        chosen = None if len(distinct) == 1 else builder.array(f"{out}.choice", choice.reshape(-1))
        op = Lookup(value, builder.array(f"{out}.tables", distinct), out, begin=begin, choice=chosen)
        return builder.add(op, builder.values[value].static)

    def fresh(self, name: str) -> str:
        """A name that no value has yet."""
        taken, number = self.builder.values, 2
        if name not in taken:
            return name
        while f"{name}{number}" in taken:
            number += 1
        return f"{name}{number}"


def _is_one(unit: Numbers, offset: Numbers) -> bool:
    """Whether all channels mean one line, but for what rounding a start to whole steps leaves."""
    step = np.asarray(unit)
    return bool((step == step.flat[0]).all() and np.ptp(np.asarray(offset)) <= step.flat[0])
