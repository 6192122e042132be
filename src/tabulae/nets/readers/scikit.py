"""scikit-learn estimators and pipelines as Python objects, never as files: those are pickles.

Read by their attributes, so nothing of the library is imported.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tabulae.errors import UsageError
from tabulae.nets.node import Floats, Node
from tabulae.nets.nodes.affine import Affine
from tabulae.nets.nodes.function import Function, Scale
from tabulae.nets.trained_net import TrainedNet

ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "identity": lambda x: x,
}


def read(estimator: Any) -> TrainedNet:
    """The net of a fitted estimator: MLPs, linear models, and pipelines that scale before them.

    A softmax at the end is left out: it moves no answer.

    :raises UsageError: another estimator, or one that is not fitted
    """
    steps = [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]
    nodes: list[Node] = []
    for step in steps:
        _check_fitted(step)
        _check_options(step)
        for made in _NODES[type(step).__name__](step):
            nodes.append(made("x" if not nodes else nodes[-1].out, f"{len(nodes)}"))
    labels = getattr(steps[-1], "classes_", None)
    if labels is not None and len(labels) == 2:  # one score, above 0 for the second: as two, of which the first is 0
        nodes[-1] = _as_two(nodes[-1])
    shape = {"x": (int(steps[0].n_features_in_),)}
    return TrainedNet(shape, tuple(nodes), (nodes[-1].out,), None if labels is None else tuple(map(str, labels)))


Made = Callable[[str, str], Node]  # of the names of what is read and written


def _check_fitted(step: Any) -> None:
    name = type(step).__name__
    if name not in _NODES:
        raise UsageError("estimator", "it must be one that nets are made of", name, f"accepted: {', '.join(_NODES)}")
    if not hasattr(step, "n_features_in_"):
        raise UsageError("estimator", "it must be fitted", f"{name} without data", "call its fit first")


def _check_options(step: Any) -> None:
    """What would change the arithmetic in a way that nets do not have."""
    last, kind = getattr(step, "out_activation_", "identity"), getattr(step, "_label_binarizer", None)
    if last not in ("identity", "softmax", "logistic"):
        raise UsageError("estimator", "its last function must be identity, softmax or logistic", last)
    if getattr(kind, "y_type_", "").startswith("multilabel"):
        raise UsageError("estimator", "an example must have one label", "several", "fit an estimator for each")


def _scaler(mean: Any, scale: Any) -> Iterator[Made]:
    yield lambda x, out: Scale(out, x, np.asarray(scale, np.float64), np.asarray(mean, np.float64))


def _standard(step: Any) -> Iterator[Made]:
    scale = 1 / step.scale_ if step.with_std else np.ones(step.n_features_in_)
    mean = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
    return _scaler(-mean * scale, scale)


def _min_max(step: Any) -> Iterator[Made]:
    yield from _scaler(step.min_, step.scale_)
    if step.clip:
        yield _function(lambda x: np.clip(x, *step.feature_range))


def _mlp(step: Any) -> Iterator[Made]:
    last = len(step.coefs_) - 1
    for layer, (weight, bias) in enumerate(zip(step.coefs_, step.intercepts_, strict=True)):
        yield _affine(np.asarray(weight).T, np.asarray(bias))
        if layer < last and step.activation != "identity":
            yield _function(ACTIVATIONS[step.activation])


def _linear(step: Any) -> Iterator[Made]:
    yield _affine(np.atleast_2d(step.coef_), np.atleast_1d(step.intercept_))


def _affine(weight: Floats, bias: Floats) -> Made:
    return lambda x, out: Affine(out, x, np.ascontiguousarray(weight[None]), bias)


def _as_two(node: Node) -> Affine:
    assert isinstance(node, Affine) and node.bias is not None
    weight, bias = (np.concatenate([np.zeros_like(a), a], axis) for a, axis in ((node.weight, 1), (node.bias, 0)))
    return Affine(node.out, node.input, weight, bias)


def _function(function: Callable[[Floats], Floats]) -> Made:
    return lambda x, out: Function(out, x, function)


_NODES: dict[str, Callable[[Any], Iterator[Made]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MLPClassifier": _mlp,
    "MLPRegressor": _mlp,
    "LogisticRegression": _linear,
    "LinearRegression": _linear,
    "Ridge": _linear,
}
