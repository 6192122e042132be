"""Vectors: the ends of every interval are among them, and the same seed gives the same."""

import numpy as np

from nets_at_random import NETS
from tabulae.program.proof import Range
from tabulae.targets.vectors import vectors


def test_ends_come_first() -> None:
    built = NETS["convolutional"]()
    found, again = vectors(built, 5), vectors(built, 5)
    value = built.program.values["x"]
    low, high = Range.of(value).elements(value)
    assert (found.inputs["x"][0] == low).all() and (found.inputs["x"][1] == high).all()
    assert all((found.answers[name] == again.answers[name]).all() for name in built.program.outputs)
    assert len(vectors(built, 1).inputs["x"]) == 1
    assert (vectors(built, 5, seed=1).inputs["x"] != found.inputs["x"]).any()
    assert all(np.issubdtype(values.dtype, np.integer) for values in found.answers.values())
