"""The same numbers elsewhere: reshape, transpose, pad, concatenate, the patches of a convolution."""

from dataclasses import dataclass, replace

import numpy as np

from tabulae.errors import ModelError
from tabulae.nets.carried import Carried
from tabulae.nets.levels import fit
from tabulae.nets.lowering import Lowering
from tabulae.nets.node import Floats, Node, Values
from tabulae.program.ops.take import Piece, Take


@dataclass(frozen=True, eq=False)
class View(Node):
    """Pieces of values in boxes of ``shape``; where there is none stands ``fill`` (0, or minus infinity for maxima)."""

    pieces: tuple[Piece, ...]
    shape: tuple[int, ...]
    fill: float = 0.0

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(piece.input for piece in self.pieces))

    def run(self, values: Values) -> Floats:
        first = values[self.pieces[0].input]
        out = np.full((len(first), *self.shape), self.fill, first.dtype)
        for piece in self.pieces:
            x = values[piece.input].reshape(len(first), -1)
            out[(slice(None), *piece.slices(self.shape))] = x[:, piece.elements(self.shape)]
        return out

    def lower(self, at: Lowering) -> None:
        given = self._alike(at)
        levels = given[self.pieces[0].input].levels
        assert levels is not None
        zero = 0 if self.fill < 0 or not self._fills() else levels.zero
        if zero is None:
            raise ModelError(self.out, "what is padded must have a code for 0", "none")
        pieces = tuple(replace_input(piece, given[piece.input].value) for piece in self.pieces)
        out = at.builder.add(Take(pieces, at.fresh(self.out), zero), self.shape)
        at.carried[self.out] = replace(Carried.codes(out, levels), given=given[self.pieces[0].input].given)

    def _fills(self) -> bool:
        """Whether any place has no piece."""
        there = np.zeros(self.shape, bool)
        for piece in self.pieces:
            there[piece.slices(self.shape)] = True
        return not there.all()

    def _alike(self, at: Lowering) -> dict[str, Carried]:
        """All that it reads as codes of one grid."""
        names = self.reads()
        if len(names) > 1 and not self._all_given(at, names):
            both = fit(np.concatenate([at.samples[name].reshape(-1) for name in names]), 2**at.choices.bits)
            return {name: at.encoded(name, both) for name in names}
        return {name: at.codes(name) for name in names}

    def _all_given(self, at: Lowering, names: tuple[str, ...]) -> bool:
        """Whether a quantised model has brought all of them to one grid."""
        first = at.carried[names[0]].levels
        given = all(at.carried[name].given for name in names)
        return given and first is not None and all(first.same(at.carried[name].levels) for name in names)


def replace_input(piece: Piece, value: str) -> Piece:
    """The same elements of another value."""
    return Piece(value, piece.base, piece.strides, piece.begin, piece.size)
