"""t: the shape parameter."""

import numpy as np

from tabulae.formats import parse


def test_many_degrees_of_freedom_are_nearly_normal():
    np.testing.assert_allclose(parse("t:4,nu=1000/row/rms").codebook, parse("normal:4/row/rms").codebook, rtol=0.01)


def test_fewer_degrees_reach_farther_out():
    ends = [parse(f"t:4,nu={nu}/row/rms").codebook[-1] for nu in (3, 4, 5, 7, 20)]
    assert ends == sorted(ends, reverse=True)


def test_five_degrees_unless_told():
    assert parse("t:4/row/rms") == parse("t:4,nu=5/row/rms")
