"""What is known of the input of a linear: how loud its columns are, and how they go together.

An error e of a row of weights costs ``e G e^T``, G the mean of ``x^T x`` over a text. Its diagonal, mean squares, is XX

>>> x = np.array([[1.0, 2.0], [3.0, -2.0]], np.float32)
>>> known = InputStatistics(np.square(x).mean(0), x.T.astype(float) @ x / 2)
>>> known.taken(np.array([1, 0])).mean_square, known.over(np.array([1.0, 2.0])).gram
(array([4., 5.], dtype=float32), array([[ 5., -1.],
       [-1.,  1.]]))
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s


@dataclass(frozen=True, eq=False)
class InputStatistics:
    """Means over the positions of a text; linears of one input share them."""

    mean_square: Float32s  # [cols]
    gram: Float64s | None = None  # [cols, cols], symmetric; None: not asked for

    def taken(self, columns: Int64s) -> "InputStatistics":
        """Of the input with its columns in another order."""
        gram = None if self.gram is None else self.gram[np.ix_(columns, columns)]
        return InputStatistics(self.mean_square[columns], gram)

    def over(self, factors: Float64s | Float32s) -> "InputStatistics":
        """Of the input divided by factors [cols]; by 0 it is 0."""
        square = np.square(factors)
        there = square > 0
        means = np.divide(self.mean_square, square, out=np.zeros_like(square), where=there).astype(np.float32)
        if self.gram is None:
            return InputStatistics(means)
        inverse = np.divide(1, factors, out=np.zeros(len(square)), where=there)
        return InputStatistics(means, self.gram * (inverse * inverse[:, None]))

    def evened(self, width: int) -> "InputStatistics":
        """Of the input turned at random within every run of ``width`` columns, on average; G is lost."""
        means = self.mean_square.reshape(-1, width).mean(1, dtype=np.float64)
        return InputStatistics(np.repeat(means, width).astype(np.float32))


def of_squares(mean_squares: Mapping[str, Float32s]) -> dict[str, InputStatistics]:
    """Statistics of nothing but mean squares, by the names of linears."""
    return {name: InputStatistics(mean_square) for name, mean_square in mean_squares.items()}


def importance_of(inputs: InputStatistics | None) -> Float32s | None:
    """How much an error in each column counts [cols]; None where nothing is known."""
    return None if inputs is None else inputs.mean_square
