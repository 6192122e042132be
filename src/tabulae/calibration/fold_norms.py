"""Norm gains, and biases, go into the linears behind: ``W (g n + b) + c = (W g) n + (W b + c)``.

The norm then only divides by the RMS (its gain is ones, stored; a bias is gone), which is what a rotation of the
residual stream needs, and its linears hold all there is to know about their columns' sizes (FlashNorm, Graef,
arXiv 2407.09577). Not folded, and noted: norms of heads (a rotation by position lies behind them), norms whose output
is added to the residual stream (Gemma's second ones), and the last norm before a head that is also the embedding.

>>> draft = fold_norms(Draft.of(tabulae.open(model)))
>>> set(draft.tensors["model.norm.weight"].tolist()), draft.notes
({1.0}, ())
"""

from dataclasses import replace

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.calibration.draft import Draft, Tensor
from tabulae.calibration.flow import Flow
from tabulae.calibration.order import begin
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm

Norm = RMSNorm | LayerNorm


def fold_norms(draft: Draft) -> Draft:
    """Fold every norm that can be.

    What is known of a linear's input follows (x over the gain); where its norm had a bias it is dropped,
    because the mean of x is not known: measure it anew.
    """
    draft = begin(draft, "fold_norms")
    flow = Flow(draft.program)
    for number, norm in enumerate(flow.program.operations):
        if isinstance(norm, Norm):
            linears = flow.linears_of((number, norm.out)) or ()
            obstacle = _obstacle(draft, flow, norm, linears)
            if obstacle:
                draft = draft.noted(f"fold_norms: {norm.weight} stays: {obstacle}")
            else:
                draft = _fold_gain(_fold_bias(draft, norm, linears), norm, linears)
    return draft


def _obstacle(draft: Draft, flow: Flow, norm: Norm, linears: tuple[Linear, ...]) -> str:
    """Why a norm cannot be folded; empty if it can."""
    if draft.tensors.shape(norm.weight)[0] != draft.program.values[norm.input].width:
        return "it norms single heads"
    if not linears:
        return "its output is not for linears alone"
    shared = next((name for name in (norm.weight, *(one.weight for one in linears)) if not flow.alone(name)), None)
    return f"{shared} is used elsewhere too" if shared else ""


def _fold_gain(draft: Draft, norm: Norm, linears: tuple[Linear, ...]) -> Draft:
    gain = draft.tensors[norm.weight]
    changes = {norm.weight: Tensor(gain.shape, lambda: np.ones_like(gain))}
    changes |= {one.weight: draft.tensors.tensor(one.weight).then(lambda w: w * gain) for one in linears}
    factors = gain.astype(np.float64)
    inputs = dict(draft.inputs)
    for one in linears:
        if one.weight in inputs:
            inputs[one.weight] = inputs[one.weight].over(factors)
    return replace(draft, tensors=draft.tensors.changed(changes), inputs=inputs)


def _fold_bias(draft: Draft, norm: Norm, linears: tuple[Linear, ...]) -> Draft:
    if isinstance(norm, RMSNorm) or norm.bias is None:
        return draft
    bias = draft.tensors[norm.bias]
    changes = {_bias_name(one): _moved(draft, one, bias) for one in linears}
    operations = tuple(_without_bias(op, norm, linears) for op in draft.program.operations)
    folded = {one.weight for one in linears}
    return replace(
        draft,
        program=msgspec.structs.replace(draft.program, operations=operations),
        tensors=draft.tensors.changed(changes, dropped=frozenset({norm.bias})),
        inputs={name: x for name, x in draft.inputs.items() if name not in folded},
    )


def _bias_name(linear: Linear) -> str:
    """The name of a linear's bias, also of one that it did not have."""
    return linear.bias or f"{linear.weight.removesuffix('.weight')}.bias"


def _moved(draft: Draft, linear: Linear, bias: Float32s) -> Tensor:
    """``W b (+ c)``, added up in double precision."""
    weight = draft.tensors.tensor(linear.weight)
    own = None if linear.bias is None else draft.tensors.tensor(linear.bias)

    def read() -> Float32s:
        moved: Float64s = np.multiply(weight.read(), bias, dtype=np.float64).sum(axis=1)
        return (moved if own is None else moved + own.read()).astype(np.float32)

    return Tensor(weight.shape[:1], read)


def _without_bias(op: Operation, norm: LayerNorm, linears: tuple[Linear, ...]) -> Operation:
    """The norm loses its bias, its linears all have one."""
    if op is norm:
        return msgspec.structs.replace(norm, bias=None)
    if isinstance(op, Project) and any(one in linears for one in op.linears):
        biased = tuple(msgspec.structs.replace(one, bias=_bias_name(one)) for one in op.linears)
        return msgspec.structs.replace(op, linears=biased)
    return op
