"""Activation functions against float64."""

import numpy as np
import pytest
from scipy import special

from tabulae.arithmetic.activation_functions import FUNCTIONS

EXACT = {
    "silu": lambda x: x * special.expit(x),
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_a_few_units_of_the_larger_of_input_and_one(name: str) -> None:
    x = np.linspace(-20, 20, 200_001, dtype=np.float32)
    y = FUNCTIONS[name](x)
    assert y.dtype == np.float32
    error = np.abs(y - EXACT[name](x.astype(np.float64)))
    assert (error / np.maximum(np.abs(x), 1)).max() <= 2e-7


@pytest.mark.parametrize("name", FUNCTIONS)
def test_far_ends(name: str) -> None:
    assert FUNCTIONS[name](np.float32([-1000, 0, 1000])).tolist() == [0, 0, 1000]


def test_relu_gives_positive_zero() -> None:
    assert not np.signbit(FUNCTIONS["relu"](np.float32([-3, -0.0]))).any()
