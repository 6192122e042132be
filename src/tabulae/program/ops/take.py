"""Integers of other values in another order: reshape, transpose, pad, concatenate, the patches of a convolution."""

from collections.abc import Iterator
from math import prod

import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out, Record
from tabulae.program.proof import LARGEST, LIMIT, Proof, Range


class Piece(Record, frozen=True):
    """A box of the output, and which elements of an input stand there: an affine view.

    The element of the output at ``begin + c`` is the element ``base + sum(strides * c)`` of the input's position.
    """

    input: In
    base: int
    strides: tuple[int, ...]  # for every axis of the output
    begin: tuple[int, ...] = ()  # of the box; default: the first corner
    size: tuple[int, ...] = ()  # of the box; default: all of the output

    def box(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where it begins and how long it is on every axis of an output of that shape."""
        return self.begin or (0,) * len(shape), self.size or shape

    def slices(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """The box as an index."""
        return tuple(slice(begin, begin + n) for begin, n in zip(*self.box(shape), strict=True))

    def elements(self, shape: tuple[int, ...]) -> Int64s:
        """Numbers of the elements of the input [box].

        >>> Piece("x", 1, (4, 2), size=(2, 2)).elements((9, 9)).tolist()
        [[1, 3], [5, 7]]
        """
        grids = np.meshgrid(*(np.arange(n) for n in self.box(shape)[1]), indexing="ij", sparse=True)
        found: Int64s = np.full(self.box(shape)[1], self.base, np.int64)
        for stride, grid in zip(self.strides, grids, strict=True):
            found += stride * grid
        return found


def strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an array row by row.

    >>> strides((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


class Take(Operation, frozen=True, tag="take"):
    """Every piece puts its elements into its box, one after the other; where there is none, ``fill`` stands."""

    pieces: tuple[Piece, ...]
    out: Out
    fill: int = 0

    def addresses(self) -> tuple[str, ...]:
        """Integers are copied, whatever they are."""
        return ()

    def check(self, at: Check) -> None:
        at.one_axis(self)
        at.integers(self.out)
        shape, numbers = at.values[self.out].static, 0
        at.must(bool(self.pieces), "there must be a piece", "none")
        at.must(abs(self.fill) <= LIMIT, "the fill must stay within 32 bits", self.fill)
        for piece in self.pieces:
            at.integers(piece.input)
            begin, size = piece.box(shape)
            ranks = {len(begin), len(size), len(piece.strides)}
            at.must(ranks == {len(shape)}, f"a piece must have the {len(shape)} axes of its output", sorted(ranks))
            must = "base and strides of a piece must stay within 32 bits"
            at.must(all(abs(n) <= LIMIT for n in (piece.base, *piece.strides)), must, [piece.base, *piece.strides])
            inside = all(b >= 0 and n >= 1 and b + n <= whole for b, n, whole in zip(begin, size, shape, strict=True))
            at.must(inside, f"the box of a piece must lie in {list(shape)}", [list(begin), list(size)])
            numbers += prod(size)
            reach = [stride * (n - 1) for stride, n in zip(piece.strides, size, strict=True)]
            ends = piece.base + sum(min(r, 0) for r in reach), piece.base + sum(max(r, 0) for r in reach)
            width = at.width(piece.input)
            at.must(ends[0] >= 0 and ends[1] < width, f"elements of {piece.input} must lie in 0..{width - 1}", ends)
        at.must(numbers <= LARGEST, f"all boxes must hold at most {LARGEST} numbers", numbers)

    def proves(self, at: Proof) -> Iterator[tuple[str, Range]]:
        shape = at.values[self.out].static
        low, high = (np.full(shape, self.fill, np.int64) for _ in range(2))
        for piece in self.pieces:
            ends, where = at.range(piece.input).elements(at.values[piece.input]), piece.elements(shape)
            low[piece.slices(shape)] = ends.low.reshape(-1)[where]
            high[piece.slices(shape)] = ends.high.reshape(-1)[where]
        yield self.out, Range.within(low, high)

    def run(self, at: Env) -> None:
        shape, n = at.declared[self.out].static, len(at.values[self.pieces[0].input])
        out = np.full((n, *shape), self.fill, np.int64)
        for piece in self.pieces:
            out[(slice(None), *piece.slices(shape))] = at.values[piece.input].reshape(n, -1)[:, piece.elements(shape)]
        at.values[self.out] = out
