"""Values of attention heads in another basis: every head's rows of v by Q, and the columns behind it by Q'.

An attention adds values up with one probability for a whole head, so an orthogonal Q over the head's channels passes
through it; biases of v are rotated too. Nothing is left at run time (R2 of SpinQuant, arXiv 2405.16406).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.rotation import Rotation, random_rotation
from tabulae.calibration.draft import Draft, Tensor
from tabulae.calibration.edges import edges
from tabulae.calibration.order import begin
from tabulae.calibration.rotate_residual import turned_columns
from tabulae.program.ops.attention import Attention


def rotate_heads(draft: Draft, seed: int = 0) -> Draft:
    """Rotate the values of every attention over the width of a head, each layer with signs of its own.

    The importance of the linears behind is evened out over every head: so it is with random signs, on average.

    :raises UsageError: the width of a head cannot be factored
    """
    draft = begin(draft, "rotate_heads")
    heads = {i: op.head for i, op in enumerate(draft.program.operations) if isinstance(op, Attention)}
    layers = {number: layer for layer, number in enumerate(heads)}
    changes: dict[str, Tensor] = {}
    widths: dict[str, int] = {}  # of the heads of a linear
    for edge in edges(draft):
        if edge.kind == "values":
            rotation = random_rotation(heads[edge.number], seed + layers[edge.number])
            changes |= {name: draft.tensors.tensor(name).then(_rows(rotation)) for name in edge.producers}
            changes |= {name: draft.tensors.tensor(name).then(_columns(rotation)) for name in edge.consumers}
            widths |= dict.fromkeys(edge.consumers, heads[edge.number])
    turned = frozenset(widths)
    inputs = dict(draft.inputs)
    for name in turned.intersection(inputs):
        inputs[name] = inputs[name].evened(widths[name])
    return replace(draft, tensors=draft.tensors.changed(changes), inputs=inputs, turned=draft.turned | turned)


def _columns(rotation: Rotation) -> Callable[[Float32s], Float32s]:
    """[rows, heads * head] -> the same, every head rotated."""
    return lambda w: turned_columns(w.reshape(-1, rotation.cols), rotation).reshape(w.shape)


def _rows(rotation: Rotation) -> Callable[[Float32s], Float32s]:
    """[heads * head, cols] or [heads * head]."""
    columns = _columns(rotation)
    return lambda w: np.ascontiguousarray(columns(np.ascontiguousarray(w.T)).T)
