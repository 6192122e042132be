"""Format: the checks at the edge, and codebooks."""

import numpy as np
import pytest

from tabulae.arithmetic import matrix
from tabulae.errors import ModelError, UsageError
from tabulae.formats import Format, encode, parse
from tabulae.formats.elements.normal import Normal

FORM = parse("int:4/row/search")
X = np.ones((3, 4), np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**100])
def test_unusable_weights_are_named(bad, monkeypatch):
    x = X.copy()
    x[1, 2] = x[2, 0] = bad
    with pytest.raises(ModelError, match=rf"finite and below 2\^100, but got {bad}.* at \[1, 2\]".replace("+", r"\+")):
        encode(FORM, x)
    monkeypatch.setattr(matrix, "CHUNK", 1)
    with pytest.raises(ModelError, match=r"at \[1, 2\]"):
        encode(FORM, x)


@pytest.mark.parametrize(
    "x", [X.astype(np.float64), X[0], X[None], X[:0], X[:, :0], X.astype(">f4"), X.tolist(), None, X.astype(np.float16)]
)
def test_only_float32_matrices(x):
    with pytest.raises(UsageError, match=r"float32 array \[rows, cols\]"):
        encode(FORM, x)


@pytest.mark.parametrize("importance", [np.ones(3, np.float32), np.ones((4, 3), np.float32), np.ones(4), [1, 1, 1, 1]])
def test_importance_must_fit(importance):
    with pytest.raises(UsageError, match=r"importance must be float32 \[4\] or \[3, 4\]"):
        encode(FORM, X, importance)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_importance_must_be_finite_and_not_negative(bad):
    with pytest.raises(UsageError, match="importance must be finite"):
        encode(FORM, X, np.array([1, 1, 1, bad], np.float32))


@pytest.mark.parametrize("field", [{"sparse": -0.1}, {"sparse": float("nan")}, {"gain": "none"}, {"scale": "mean"}])
def test_fields_are_checked_without_a_name_too(field):
    with pytest.raises(UsageError):
        Format(**{"element": Normal(4), "granularity": "row", "scale": "rms", **field})


def test_the_codebook_is_the_callers_own():
    form = parse("normal:2/row/rms")
    form.codebook[:] = 0
    assert form.codebook.all()


def test_formats_are_values():
    assert parse("normal:4/row/rms") == Format(Normal(4), "row", "rms")
    assert len({parse("normal:4/row/rms"), Format(Normal(4), "row", "rms"), parse("laplace:4/row/rms")}) == 2


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("int:4/tensor/search", "rms"),
        ("int:4/row/search", "absmax"),
        ("int:4/g32/signmax", "signmax"),
        ("t:4/g32/rms", "rms"),
    ],
)
def test_what_a_scale_measures(name, base):
    assert parse(name).base == base
