"""What int8 activations alone cost: exact float weights, inputs through activation codes and back."""

import numpy as np

from tabulae.arithmetic.activations import encode
from tabulae.arithmetic.arrays import Float32s
from tabulae.arithmetic.rotation import random_rotation
from tabulae.runtime.tapped import Tappable, Tapped


class Coding:
    """A tap: inputs [n, cols] -> what their activation codes stand for.

    With ``seed`` the inputs are rotated over their full dimension before they are encoded, and back afterwards. Linears
    of the same input (q, k, v; gate, up) are tapped one after the other: the last result is kept for them.

    >>> Coding(exponents=4)(np.float32([[1, 0.3]]))
    array([[1.       , 0.2992126]], dtype=float32)
    """

    def __init__(self, exponents: int = 4, seed: int | None = None) -> None:
        self._exponents = exponents
        self._seed = seed
        self._last: tuple[Float32s, Float32s] | None = None  # input, result

    def __call__(self, x: Float32s) -> Float32s:
        if self._last is None or not np.array_equal(self._last[0], x):
            self._last = x, self._through(x)
        return self._last[1]

    def _through(self, x: Float32s) -> Float32s:
        cols = x.shape[1]
        if self._seed is None:
            return encode(x, self._exponents).decode(cols)
        rotation = random_rotation(cols, self._seed)
        return rotation.unrotate(encode(rotation.rotate(x), self._exponents).decode(cols))


def activations_alone(model: Tappable, exponents: int = 4, seed: int | None = None) -> Tapped:
    """``model``, whose weights are floats, with every linear's input through activation codes (see :class:`Coding`).

    :raises UsageError: an input that cannot be rotated (with ``seed``), in the first call of ``logits``
    """
    coding = Coding(exponents, seed)
    return Tapped(model, dict.fromkeys(model.program.linears(), coding))
