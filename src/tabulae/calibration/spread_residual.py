"""The channels of the residual stream in another order, so that loud ones stand in groups of their own: lossless, free.

A block format gives every group of columns one scale, and with importance that scale serves the loudest column first:
its error becomes small, whatever happens to the quiet ones beside it. Two loud columns in one group share a scale;
dealt out to different groups, each has its own. An RMS norm, a layer norm and an addition do not care for the order of
channels, so it is a permutation of what writes the stream and of what reads it, gains included. What it is worth:
docs/formats.md, benchmarks/bench_passes.py. Formats with a scale per row do not change.

>>> [int(column) for column in dealt(np.arange(128), group=32)[::32]]  # who comes first in each group
[0, 2, 1, 3]
"""

from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from tabulae.arithmetic.activations import BLOCK
from tabulae.arithmetic.arrays import Float64s, Int64s
from tabulae.calibration.bases import residual_basis
from tabulae.calibration.draft import Draft
from tabulae.calibration.order import begin


def spread_residual(draft: Draft, *, group: int = BLOCK) -> Draft:
    """Deal the channels to groups of columns, loudest first; statistics of inputs follow.

    Left as it is, noted, where an operation looks at single channels of the stream or the groups would not fill it.

    Loudness: mean square of a column times importance, every linear that reads the stream counted by its weights.
    """
    draft = begin(draft, "spread_residual")
    basis = residual_basis(draft, by_order=True)
    if basis.obstacle or basis.width % group:
        return draft.noted(f"spread_residual: {basis.obstacle or f'{basis.width} channels are no groups of {group}'}")
    readers = [name for name, side in basis.sides if side == "columns" and name in draft.inputs]
    order = dealt(np.argsort(-_loudness(draft, readers, basis.width), kind="stable"), group)
    tensors = draft.tensors
    for name, side in basis.sides:  # a bridge has both
        move = partial(np.take, indices=order, axis=1 if side == "columns" else 0)
        tensors = tensors.changed({name: tensors.tensor(name).then(move)})
    inputs = dict(draft.inputs) | {name: draft.inputs[name].taken(order) for name in readers}
    return replace(draft, tensors=tensors, inputs=inputs)


def dealt(ranked: Int64s, group: int) -> Int64s:
    """Cards dealt to hands of ``group``, there and back again, and all hands one after another.

    Hands are visited so that neighbours get cards far apart: groups of two or four hands are even, too.
    """
    hands = len(ranked) // group
    digits = max(1, (hands - 1).bit_length())
    visits = np.array(sorted(range(hands), key=lambda hand: f"{hand:0{digits}b}"[::-1]))
    rounds = ranked.reshape(group, hands).copy()
    rounds[1::2] = rounds[1::2, ::-1]
    result = np.empty_like(rounds)
    result[:, visits] = rounds
    return result.T.reshape(-1)


def _loudness(draft: Draft, readers: list[str], width: int) -> Float64s:
    total = np.zeros(width)
    for name in readers:
        loud = draft.loudness(name)
        if loud.sum() > 0:
            total += prod(draft.shape(name)) / loud.sum() * loud
    return total
