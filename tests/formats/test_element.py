"""Families are found by lying in their folder."""

from dataclasses import dataclass

import numpy as np
import pytest

from tabulae.formats import Element, encode, families, parse
from tabulae.formats.codebook import exact_codebook
from tabulae.formats.element import number_text


def test_all_families():
    wanted = {"int", "normal", "laplace", "t", "lloyd", "nf4", "sf4", "e2m1", "e3m0", "ternary"}
    assert wanted <= set(families())


def test_a_new_family_is_one_class():
    @dataclass(frozen=True)
    class Skewed(Element):
        name = "skewed"
        scales = ("absmax",)
        top: float = 3.0

        def codebook(self, base, group):
            return exact_codebook(np.array([-1, 0, 1, int(self.top)]), 1.0)

    form = parse("skewed:2,top=7/row/absmax")
    assert str(form) == "skewed:2,top=7/row/absmax" and form.element == Skewed(2, 7.0)
    assert encode(form, np.array([[1.0, -1.0, 0.1]], np.float32)).codes.tolist() == [[2, 0, 1]]


@pytest.mark.parametrize(("value", "text"), [(5.0, "5"), (2.5, "2.5"), (1e-05, "1e-05"), ("ls", "ls")])
def test_numbers_as_text(value, text):
    assert number_text(value) == text
