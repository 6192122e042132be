"""Two ways to free the last norm's gain where the head is the embedding, which cannot absorb it.

``untie`` gives the head a copy of its own: simple, and as many bytes more as the embedding has. ``bridge`` keeps them
tied and puts a small square linear between the last norm and the head, at first just the gain on its diagonal: width^2
weights (SmolLM2-135M: 0.2 % more, where a second embedding is 21 %). Either is needed before the residual stream of a
tied model can be rotated; the embedding's own rows are then stored rotated, which serves both its uses.
"""

from dataclasses import replace

import msgspec
import numpy as np

from tabulae.calibration.draft import Draft, Tensor
from tabulae.calibration.flow import Flow
from tabulae.calibration.order import begin
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.project import Project
from tabulae.program.ops.rms_norm import RMSNorm

HEAD = "lm_head.weight"
BRIDGE, BUFFER = "bridge.weight", "bridge"


def untie(draft: Draft) -> Draft:
    """A head of its own for a tied model; any other stays as it is, noted."""
    draft = begin(draft, "untie")
    found = _tied_head(draft)
    if found is None:
        return draft.noted("untie: the head is no embedding")
    number, head = found
    own = msgspec.structs.replace(head, weight=HEAD)
    inputs = {HEAD if name == head.weight else name: x for name, x in draft.inputs.items()}
    tensors = draft.tensors.changed({HEAD: draft.tensors.tensor(head.weight)})
    operations = _replaced(draft, number, _with_linear(draft, number, own))
    program = msgspec.structs.replace(draft.program, operations=operations)
    return replace(draft, program=program, tensors=tensors, inputs=inputs)


def bridge(draft: Draft) -> Draft:
    """A square linear between the last norm and a tied head; any other model stays as it is, noted."""
    draft = begin(draft, "bridge")
    found = _tied_head(draft)
    norm = None if found is None else _norm_before(draft, found[0])
    if found is None or norm is None:
        return draft.noted("bridge: there is no RMS norm before a head that is an embedding")
    number, head = found
    width = draft.program.values[norm.out].width
    gain = draft.tensors[norm.weight]
    changes = {
        BRIDGE: Tensor((width, width), lambda: np.diag(gain)),
        norm.weight: Tensor(gain.shape, lambda: np.ones_like(gain)),
    }
    square = Project(norm.out, (Linear(BRIDGE, BUFFER),))
    operations = _replaced(draft, number, square, Project(BUFFER, (head,)))
    values = {**draft.program.values, BUFFER: draft.program.values[norm.out]}
    program = msgspec.structs.replace(draft.program, operations=operations, values=values)
    return replace(draft, program=program, tensors=draft.tensors.changed(changes))


def _tied_head(draft: Draft) -> tuple[int, Linear] | None:
    """The operation and linear of a head that other places read too."""
    flow = Flow(draft.program)
    head = flow.linear_writing(flow.logits)
    return None if head is None or flow.alone(head.weight) else (flow.logits[0], head)


def _norm_before(draft: Draft, number: int) -> RMSNorm | None:
    """The norm that feeds an operation and nothing else."""
    flow = Flow(draft.program)
    (value,) = flow.reads[number].values()
    op = draft.program.operations[value[0]]
    return op if isinstance(op, RMSNorm) and flow.users(value) == [number] and flow.alone(op.weight) else None


def _with_linear(draft: Draft, number: int, linear: Linear) -> Project:
    op = draft.program.operations[number]
    assert isinstance(op, Project)
    linears = tuple(linear if one.out == linear.out else one for one in op.linears)
    return msgspec.structs.replace(op, linears=linears)


def _replaced(draft: Draft, number: int, *by: Operation) -> tuple[Operation, ...]:
    operations = draft.program.operations
    return (*operations[:number], *by, *operations[number + 1 :])
