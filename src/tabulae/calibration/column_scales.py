"""A factor per channel moves to the columns of a linear, and its inverse to what feeds them: no cost at run time.

Which factors? Without data, those that make rows and columns equally loud (Sinkhorn's iteration on the squared weights;
SINQ, arXiv 2509.22944): a network's quiet columns are those that meet loud inputs, so an error that is spread evenly
over the scaled columns lands where it does least. With data, sqrt(mean x^2) of the input, which says so itself.

How much? All of it evens out one side and upsets the other, so factors are taken to a power, ``strength``. Measured on
SmolLM2 (benchmarks/bench_passes.py): for grids with one scale per row and an entropy code, importance to the power of
0.5 is worth .48 bits of KL and Sinkhorn's factors .27; block formats whose scales are searched with importance gain a
tenth of a bit or less, with 0.25, and are ruined by 1, because a block's scale then serves one column. These
figures are of wiki.test.raw; the strengths of plans are chosen on another text (benchmarks/bench_choices.py).

``exact`` rounds factors to powers of two. Then not a single bit of the float model's results changes (unless something
over- or underflows), but it gives away .06 bits of the gain.

>>> factors = sinkhorn([np.float32([[4, 1], [8, 2]])], [0, 1], 2)
>>> (factors / factors[0]).round(3)  # with them, all that is left is a scale per row
array([1., 4.])
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.arithmetic.elementary import exp2, log2
from tabulae.calibration.draft import Draft, Tensor
from tabulae.calibration.edges import KINDS, Edge, edges
from tabulae.calibration.order import begin
from tabulae.errors import UsageError
from tabulae.program.passes import Kind

By = Literal["sinkhorn", "importance"]
STRENGTHS: Mapping[By, float] = {"sinkhorn": 1.0, "importance": 0.5}
ROUNDS = 8  # of Sinkhorn's iteration; on real weights the factors are then exact to 1e-6
LIMIT = 10  # factors are within 2^-10 .. 2^10 of their geometric mean


def column_scales(
    draft: Draft,
    by: By = "sinkhorn",
    *,
    strength: float | None = None,
    exact: bool = False,
    kinds: Collection[Kind] = KINDS,
    only: Collection[str] | None = None,
) -> Draft:
    """Scale the columns behind every norm, attention and gate; factors to the power of ``strength`` (0: nothing).

    ``strength`` is 1 for Sinkhorn's factors and 0.5 for importance, if nothing else is said.

    What is known of their inputs follows: x over the factor. ``only``: the linears to scale, where it
    is not all that can be; those that share an input go together.

    :raises UsageError: importance is asked for and not known of a linear's input; a linear in ``only`` that cannot be
        scaled, or not without another one
    """
    draft = begin(draft, "column_scales")
    tensors, inputs = draft.tensors, dict(draft.inputs)
    for edge in _chosen(draft, kinds, only):
        wanted = _balancing(draft, edge) if by == "sinkhorn" else _by_importance(draft, edge)
        factors = _settled(wanted, STRENGTHS[by] if strength is None else strength, exact)
        tensors = tensors.changed(_scaled(draft, edge, factors))
        for name in edge.consumers:
            if name in inputs:
                inputs[name] = inputs[name].over(factors[edge.columns])
        draft = replace(draft, tensors=tensors, inputs=inputs, scaled=draft.scaled.union(edge.consumers))
    return draft


def _chosen(draft: Draft, kinds: Collection[Kind], only: Collection[str] | None) -> list[Edge]:
    found = [edge for edge in edges(draft) if edge.kind in kinds]
    if only is None:
        return found
    chosen = [edge for edge in found if set(edge.consumers) <= set(only)]
    rest = sorted(set(only).difference(*(edge.consumers for edge in chosen)))
    if rest:
        raise UsageError("column_scales", "linears must be scalable, all of one input together", ", ".join(rest[:3]))
    return chosen


def sinkhorn(weights: Iterable[Float32s], columns: Sequence[int] | np.ndarray, channels: int) -> Float64s:
    """The factor of every channel with which all rows and all columns of ``weights`` could be equally loud.

    Each of ``weights`` is [rows, len(columns)]; rows are scaled too, but only to find the columns' factors, because a
    row's scale is part of every format. A channel of zeros gets 1.
    """
    index = np.asarray(columns)
    squares = [np.square(w) for w in weights]
    counts = np.bincount(index, minlength=channels) * sum(len(square) for square in squares)
    loud = np.ones(channels)  # mean square of a channel, its rows made equal
    for _ in range(ROUNDS):
        total = np.zeros(channels)
        for square in squares:
            rows = (square * _inverse(loud)[index]).sum(axis=1)
            total += np.bincount(index, (square.T * _inverse(rows / len(index))).T.sum(axis=0), channels)
        loud = np.where(total > 0, total / counts, 1.0)
    return np.sqrt(_inverse(loud))


def _inverse(x: Float64s) -> Float64s:
    return np.divide(1.0, x, out=np.zeros_like(x), where=x > 0)


def _balancing(draft: Draft, edge: Edge) -> Float64s:
    return sinkhorn((draft.tensors[name] for name in edge.consumers), edge.columns, edge.channels)


def _by_importance(draft: Draft, edge: Edge) -> Float64s:
    name = next((one for one in edge.consumers if one in draft.inputs), None)
    if name is None:
        must = f"the importance of {edge.consumers[0]} must be known"
        raise UsageError("column_scales", must, "none", "measure it on this draft, or leave out edges by kinds")
    totals = np.bincount(edge.columns, draft.inputs[name].mean_square, edge.channels)  # query heads share channels
    return np.sqrt(totals / np.bincount(edge.columns, minlength=edge.channels))


def _settled(factors: Float64s, strength: float, exact: bool) -> Float32s:
    """Factors around a geometric mean of 1, limited, powers of two if ``exact``; 1 where there is none."""
    known = factors > 0
    logs = log2(np.where(known, factors, 1.0))
    logs[known] -= logs[known].mean() if known.any() else 0.0
    logs = np.clip(strength * logs, -LIMIT, LIMIT)
    return exp2(np.rint(logs) if exact else logs).astype(np.float32)


def _scaled(draft: Draft, edge: Edge, factors: Float32s) -> dict[str, Tensor]:
    by_column = factors[edge.columns]
    changes = {name: draft.tensors.tensor(name).then(lambda w: w * by_column) for name in edge.consumers}
    for name in edge.producers:
        changes[name] = draft.tensors.tensor(name).then(lambda w: (w.T / factors).T)  # a matrix, or a vector
    return changes
