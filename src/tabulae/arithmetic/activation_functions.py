"""silu, gelu, gelu_tanh and relu on float32: one order of operations each, on the project's own polynomials."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.polynomials import erf, exp, tanh

Activation = Literal["silu", "gelu", "gelu_tanh", "relu"]

HALF, ONE = np.float32(0.5), np.float32(1)
SQRT_HALF = np.float32(0.7071067811865476)
SQRT_TWO_BY_PI = np.float32(0.7978845608028654)
CUBE = np.float32(0.044715)


def silu(x: Float32s) -> Float32s:
    """``x / (1 + exp(-x))`` (Elfwing et al. 2017).

    >>> silu(np.float32([-100, 0, 1])).tolist()
    [-0.0, 0.0, 0.7310585975646973]
    """
    return x / (ONE + exp(-x))


def gelu(x: Float32s) -> Float32s:
    """``(0.5 x) * (1 + erf(x * sqrt(1/2)))`` (Hendrycks and Gimpel 2016)."""
    return (HALF * x) * (ONE + erf(x * SQRT_HALF))


def gelu_tanh(x: Float32s) -> Float32s:
    """``(0.5 x) * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * ((x x) x))))``, the common approximation of :func:`gelu`."""
    return (HALF * x) * (ONE + tanh(SQRT_TWO_BY_PI * (x + CUBE * ((x * x) * x))))


def relu(x: Float32s) -> Float32s:
    """``x`` where it is above 0, else +0."""
    return np.where(x > 0, x, np.float32(0))


FUNCTIONS: Mapping[str, Callable[[Float32s], Float32s]] = MappingProxyType(
    {"silu": silu, "gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu}
)
