"""The residual stream in another basis: ``x' = Q x`` for an orthogonal Q, absorbed by all tensors that touch it.

An RMS norm with gains of one commutes with Q, additions do, and every linear that reads or writes the stream takes Q
into its columns or rows; rows of embeddings are rotated as the stream begins. The model computes the same and no
rotation is left at run time (QuaRot, arXiv 2404.00456). Weights become Normal and activations lose their outliers, but
errors of weights spread from loud columns to quiet ones: without error feedback this doubles the KL of a small model's
grids (benchmarks/bench_passes.py). A tied embedding is stored rotated, which is right for the look-up and for the head.

Refused where it would change the model: gains left on the stream (Gemma's second norms, or a tied head's last norm:
see ``untie``), or layer norms.
"""

from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.rotation import Rotation, random_rotation
from tabulae.calibration.bases import residual_basis
from tabulae.calibration.draft import Draft
from tabulae.calibration.order import begin
from tabulae.errors import UsageError


def rotate_residual(draft: Draft, seed: int = 0) -> Draft:
    """Rotate the residual stream by random signs and Hadamard transforms over its full width.

    What is known of the inputs of linears that read it is dropped: measure it anew.

    :raises UsageError: an operation on the stream forbids it, or the width cannot be factored

    >>> from tabulae.calibration.fold_norms import fold_norms
    >>> rotated = rotate_residual(fold_norms(Draft.of(tabulae.open(model))))
    >>> len(rotated.turned), "model.layers.0.mlp.down_proj.weight" in rotated.turned
    (12, False)
    """
    draft = begin(draft, "rotate_residual")
    basis = residual_basis(draft)
    if basis.obstacle:
        must = "the residual stream must only be normed without gains, added, and read or written by linears"
        hint = "fold_norms first; a tied head needs untie or bridge before that; else leave it out"
        raise UsageError("rotate_residual", must, basis.obstacle, hint)
    rotation = random_rotation(basis.width, seed)
    tensors = draft.tensors
    for name, side in basis.sides:
        turn = partial(turned_columns if side == "columns" else turned_rows, rotation=rotation)
        tensors = tensors.changed({name: tensors.tensor(name).then(turn)})
    turned = frozenset(name for name, side in basis.sides if side == "columns")
    inputs = {name: x for name, x in draft.inputs.items() if name not in turned}
    return replace(draft, tensors=tensors, inputs=inputs, turned=draft.turned | turned)


def turned_columns(w: Float32s, rotation: Rotation) -> Float32s:
    """``W Q'`` for W [rows, cols], Q of length 1: for an input ``Q x``."""
    return rotation.rotate(w) / np.float32(sqrt(rotation.norm))


def turned_rows(w: Float32s, rotation: Rotation) -> Float32s:
    """``Q W`` for W [rows, cols], or ``Q b`` for a bias b [rows]: gives an output ``Q y``."""
    columns = w[None] if w.ndim == 1 else w.T
    turned = turned_columns(np.ascontiguousarray(columns), rotation)
    return turned[0] if w.ndim == 1 else np.ascontiguousarray(turned.T)
