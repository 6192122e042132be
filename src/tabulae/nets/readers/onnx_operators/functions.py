"""Functions of single numbers, and sums and products of values."""

from collections.abc import Callable, Mapping
from math import erf, pi, sqrt
from typing import Any

import numpy as np

from tabulae.nets.node import Floats
from tabulae.nets.nodes.function import Function, Scale
from tabulae.nets.nodes.pair import Pair
from tabulae.nets.nodes.sum import Sum
from tabulae.nets.readers.onnx_graph import Call, GraphSoFar, Tensor, along, reads

Made = Callable[[Floats], Floats]
_erf = np.vectorize(erf, otypes=[np.float64])

RISING: dict[str, Callable[[Mapping[str, Any]], Made]] = {  # never fall; by their attributes
    "Relu": lambda a: lambda x: np.maximum(x, 0),
    "Sigmoid": lambda a: lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": lambda a: np.tanh,
    "HardSigmoid": lambda a: lambda x: np.clip(a.get("alpha", 0.2) * x + a.get("beta", 0.5), 0, 1),
    "Elu": lambda a: lambda x: np.where(x > 0, x, a.get("alpha", 1.0) * np.expm1(np.minimum(x, 0))),
    "Selu": lambda a: (
        lambda x: (
            a.get("gamma", 1.0507009873554805)
            * np.where(x > 0, x, a.get("alpha", 1.6732632423543772) * np.expm1(np.minimum(x, 0)))
        )
    ),
    "LeakyRelu": lambda a: lambda x: np.where(x > 0, x, a.get("alpha", 0.01) * x),
    "Softplus": lambda a: lambda x: np.logaddexp(0, x),
    "Softsign": lambda a: lambda x: x / (1 + np.abs(x)),
    "Exp": lambda a: np.exp,
    "Sign": lambda a: np.sign,
    "Erf": lambda a: lambda x: _erf(x),
    "Floor": lambda a: np.floor,
    "Ceil": lambda a: np.ceil,
    "Round": lambda a: np.rint,
    "Log": lambda a: lambda x: np.log(np.maximum(x, np.finfo(np.float64).tiny)),
    "Sqrt": lambda a: lambda x: np.sqrt(np.maximum(x, 0)),
    "Atan": lambda a: np.arctan,
}
OTHERS: dict[str, Callable[[Mapping[str, Any]], Made]] = {
    "Abs": lambda a: np.abs,
    "Neg": lambda a: np.negative,
    "Sin": lambda a: np.sin,
    "Cos": lambda a: np.cos,
    "HardSwish": lambda a: lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Mish": lambda a: lambda x: x * np.tanh(np.logaddexp(0, x)),
    "Gelu": lambda a: _gelu(a.get("approximate", "none")),
}


def _gelu(approximate: str) -> Made:
    if approximate == "tanh":
        return lambda x: 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
    return lambda x: 0.5 * x * (1 + _erf(x / sqrt(2)))


@reads(*RISING)
def rising(call: Call, graph: GraphSoFar) -> None:
    """Where alpha makes one fall, it is looked up."""
    falls = min(call.attributes.get("alpha", 1.0), call.attributes.get("gamma", 1.0)) < 0
    _function(call, graph, RISING[call.operator](call.attributes), not falls, homogeneous=call.operator == "Relu")


@reads(*OTHERS)
def other(call: Call, graph: GraphSoFar) -> None:
    """They fall somewhere."""
    _function(call, graph, OTHERS[call.operator](call.attributes), False)


@reads("Clip")
def clip(call: Call, graph: GraphSoFar) -> None:
    """Ends as inputs since opset 11, as attributes before."""
    low, high = (
        float(call.attributes.get(name, end) if given is None else given.reshape(-1)[0])
        for name, end, given in (("min", -np.inf, graph.constant(call, 1)), ("max", np.inf, graph.constant(call, 2)))
    )
    _function(call, graph, lambda x: np.clip(x, low, high), True)


@reads("PRelu")
def prelu(call: Call, graph: GraphSoFar) -> None:
    """A slope for each channel."""
    given = _channels(call, graph)
    slope = along(call, graph.required(call, 1), given)
    _function(call, graph, lambda x: np.where(x > 0, x, slope * x), bool((slope >= 0).all()), given)


@reads("Pow")
def power(call: Call, graph: GraphSoFar) -> None:
    """A constant power."""
    exponent = float(graph.required(call, 1).reshape(-1)[0])
    call.must(graph.required(call, 1).size == 1, "its power must be one number", exponent)
    _function(call, graph, lambda x: np.power(x, exponent), exponent > 0 and exponent % 2 == 1)


@reads("Reciprocal")
def reciprocal(call: Call, graph: GraphSoFar) -> None:
    """As dividing 1."""
    _function(call, graph, lambda x: 1 / np.where(x == 0, np.inf, x), False)


def _function(
    call: Call,
    graph: GraphSoFar,
    made: Made,
    rises: bool,
    given: Tensor | None = None,
    *,
    homogeneous: bool = False,
) -> None:
    given = graph.tensor(call) if given is None else given
    out = graph.add(Function(graph.fresh(call), given.value, made, rises, homogeneous))
    graph.put(call, Tensor(out, given.shape, given.order))


@reads("BatchNormalization")
def batch_norm(call: Call, graph: GraphSoFar) -> None:
    """As it was trained to be: a factor and a shift for each channel."""
    given = _channels(call, graph)
    gamma, beta, mean, variance = (graph.required(call, i).astype(np.float64) for i in (1, 2, 3, 4))
    scale = gamma / np.sqrt(variance + call.attributes.get("epsilon", 1e-5))
    out = graph.add(Scale(graph.fresh(call), given.value, scale, beta - mean * scale))
    graph.put(call, Tensor(out, given.shape, given.order))


def _channels(call: Call, graph: GraphSoFar) -> Tensor:
    return graph.channels_last(call, graph.tensor(call))


@reads("Add", "Sub", "Mul", "Div")
def binary(call: Call, graph: GraphSoFar) -> None:
    """Of a value and a constant, or of two values."""
    constant = next((i for i, name in enumerate(call.inputs) if name in graph.constants), None)
    if constant is None:
        return _of_two(call, graph)
    given = graph.tensor(call, 1 - constant)
    vector = graph.constants[call.inputs[constant]]
    if vector.size > 1:
        axes = [axis for axis, n in enumerate(reversed(vector.shape)) if n > 1]
        call.must(len(axes) == 1, "its constant must be one number, or one for each channel", list(vector.shape))
        last = len(given.shape) - 1 - axes[0]
        given = graph.ordered(call, given, (*(i for i in range(len(given.shape)) if i != last), last))
    call.must(vector.ndim <= len(given.shape) + 1, "its constant must have no more axes than the value", vector.ndim)
    numbers = along(call, vector, given)
    if call.operator == "Div" and constant == 0:
        return _function(call, graph, lambda x: numbers / np.where(x == 0, np.inf, x), False, given)
    minus = call.operator == "Sub" and constant == 0
    scale = {"Mul": numbers, "Div": 1 / np.where(numbers == 0, np.nan, numbers)}.get(call.operator, np.float64(1.0))
    shift = {"Add": numbers, "Sub": numbers if minus else -numbers}.get(call.operator, np.float64(0.0))
    out = graph.add(Scale(graph.fresh(call), given.value, np.asarray(-scale if minus else scale), np.asarray(shift)))
    graph.put(call, Tensor(out, given.shape, given.order))


def _of_two(call: Call, graph: GraphSoFar) -> None:
    a = graph.tensor(call)
    b = graph.ordered(call, graph.tensor(call, 1), a.order)
    call.must(a.shape == b.shape, "both values must have one shape", [list(a.shape), list(b.shape)])
    out = graph.fresh(call)
    if call.operator in ("Add", "Sub"):
        graph.add(Sum(out, a.value, b.value, call.operator == "Sub"))
    else:
        graph.add(Pair(out, a.value, b.value, np.multiply if call.operator == "Mul" else _divided))
    graph.put(call, Tensor(out, a.shape, a.order))


def _divided(a: Floats, b: Floats) -> Floats:
    """Where the divisor has no code but 0, the result is 0."""
    return np.asarray(np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0))
