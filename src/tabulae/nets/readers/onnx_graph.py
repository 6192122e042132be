"""An ONNX graph on the way to nodes: constants, and where every tensor of it stands.

ONNX has channels before rows and columns, and here they come last. A tensor is held with its axes in any order, and
``order`` says which: axis i here is axis ``order[i]`` there, the examples not counted. Only where an operator needs an
order that is not there does a view come in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tabulae.errors import ModelError
from tabulae.nets.levels import Levels
from tabulae.nets.node import Node
from tabulae.nets.nodes.view import View
from tabulae.program.ops.take import Piece, strides

Constant = npt.NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """A value of the net that stands for an ONNX tensor of ``shape``, the examples not counted."""

    value: str
    shape: tuple[int, ...]  # as ONNX has it
    order: tuple[int, ...]

    @property
    def here(self) -> tuple[int, ...]:
        """Its shape as the value has it."""
        return tuple(self.shape[axis] for axis in self.order)


class Attributes(dict[str, Any]):
    """Of one operator; it remembers which were asked for, because what nobody asks for is not done."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        super().__init__(found)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """As of any dictionary."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def ignored(self) -> list[str]:
        """Attributes that nobody asked for and that say something."""
        return sorted(name for name, value in self.items() if name not in self.asked | HARMLESS and value)


# Of training, or what the weights say too.
HARMLESS = {"momentum", "kernel_shape", "ratio", "seed", "spatial", "is_test", "consumed_inputs"}


@dataclass(frozen=True)
class Call:
    """One operator with its attributes."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes

    def error(self, must: str, got: object, hint: str = "") -> ModelError:
        """An error that names the operator."""
        return ModelError(f"{self.operator} {self.name}", must, got, hint)

    def must(self, holds: bool, must: str, got: object) -> None:
        """Refuse, naming the operator.

        :raises ModelError: it does not hold
        """
        if not holds:
            raise self.error(must, got)


@dataclass(frozen=True, eq=False)
class Codes:
    """A constant as a quantised model stores it: integers times scales, along an axis or one for all."""

    integers: Constant
    scales: Constant  # float32 [n] or [1]
    axis: int | None


@dataclass(eq=False)
class GraphSoFar:
    """Nodes that were made, and what every name of the ONNX graph is."""

    constants: dict[str, Constant]
    tensors: dict[str, Tensor]
    nodes: list[Node] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # of values
    grids: dict[str, Levels] = field(default_factory=dict)  # of values that are codes of a quantised model
    codes: dict[str, Codes] = field(default_factory=dict)  # of constants that were integers

    def tensor(self, call: Call, index: int = 0) -> Tensor:
        """An input that the net computes."""
        name = call.inputs[index]
        if name not in self.tensors:
            raise call.error(f"input {index} must be computed from the net's inputs", f"{name}, which is constant")
        return self.tensors[name]

    def constant(self, call: Call, index: int) -> Constant | None:
        """An input that must be a constant where it is given."""
        if index >= len(call.inputs) or not call.inputs[index]:
            return None
        name = call.inputs[index]
        if name not in self.constants:
            raise call.error(f"input {index} must be constant", f"{name}, which is computed")
        return self.constants[name]

    def required(self, call: Call, index: int) -> Constant:
        """An input that must be given and constant."""
        found = self.constant(call, index)
        if found is None:
            raise call.error(f"input {index} must be given", "none")
        return found

    def add(self, node: Node) -> str:
        """A node; the name of its value."""
        self.nodes.append(node)
        self.names.add(node.out)
        return node.out

    def put(self, call: Call, tensor: Tensor, index: int = 0) -> None:
        """What an output of an operator is."""
        self.tensors[call.outputs[index]] = tensor

    def fresh(self, call: Call, what: str = "") -> str:
        """A name for a value of this operator."""
        name = f"{call.outputs[0]}{'.' if what else ''}{what}"
        taken = self.names
        return next(one for one in (name, *(f"{name}.{i}" for i in range(len(taken) + 1))) if one not in taken)

    def ordered(self, call: Call, tensor: Tensor, order: tuple[int, ...]) -> Tensor:
        """The tensor with its axes in this order."""
        if tensor.order == order:
            return tensor
        wanted = Tensor(self.fresh(call, "turned"), tensor.shape, order)
        steps = dict(zip(tensor.order, strides(tensor.here), strict=True))
        piece = Piece(tensor.value, 0, tuple(steps[axis] for axis in order))
        self.add(View(wanted.value, (piece,), wanted.here))
        return wanted

    def as_onnx(self, call: Call, tensor: Tensor) -> Tensor:
        """The tensor with its axes in ONNX's order."""
        return self.ordered(call, tensor, tuple(range(len(tensor.shape))))

    def channels_last(self, call: Call, tensor: Tensor) -> Tensor:
        """The tensor with ONNX's first axis behind all others."""
        return self.ordered(call, tensor, (*range(1, len(tensor.shape)), 0))

    def reshaped(self, call: Call, tensor: Tensor, shape: tuple[int, ...], what: str = "") -> Tensor:
        """The same numbers in ONNX's order as another shape."""
        found = self.as_onnx(call, tensor)
        if prod(shape) != prod(found.shape):
            raise call.error(f"its {prod(found.shape)} numbers must fill the shape", list(shape))
        if shape == found.shape:
            return found
        out = self.add(View(self.fresh(call, what), (Piece(found.value, 0, strides(shape)),), shape))
        return Tensor(out, shape, tuple(range(len(shape))))


Reader = Callable[[Call, GraphSoFar], None]
OPERATORS: dict[str, Reader] = {}  # files in onnx_operators/ enlist theirs


def reads(*names: str) -> Callable[[Reader], Reader]:
    """Enlist a function as the reader of these operators."""

    def enlist(reader: Reader) -> Reader:
        OPERATORS.update(dict.fromkeys(names, reader))
        return reader

    return enlist


def along(call: Call, vector: Constant, tensor: Tensor) -> Constant:
    """A constant that is broadcast to a tensor, as numbers for its channels, or one for all.

    :raises ModelError: it differs from place to place, not from channel to channel
    """
    if vector.size == 1:
        return np.asarray(vector, np.float64).reshape(())
    shape = (1,) * (len(tensor.shape) + 1 - vector.ndim) + vector.shape
    longer = [axis for axis, n in enumerate(shape[1:]) if n > 1]
    last = tensor.order[-1]
    if shape[0] != 1 or longer != [last] or shape[1 + last] != tensor.shape[last]:
        raise call.error("a constant must be one number, or one for each channel", list(vector.shape))
    return np.asarray(vector, np.float64).reshape(-1)
