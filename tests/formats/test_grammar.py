"""Names of formats: what is written is what is read, and what is wrong says what is right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulae.errors import UsageError
from tabulae.formats import Format, families, parse
from tabulae.formats.elements.student_t import StudentT

SCALES = ["rms", "absmax", "signmax", "search"]
GRANULARITIES = st.sampled_from(["tensor", "row"]) | st.integers(1, 400).map(lambda n: f"g{32 * n}")


@st.composite
def formats(draw):
    family = families()[
        draw(st.sampled_from(sorted(set(families()) & {"int", "normal", "t", "lloyd", "nf4", "ternary"})))
    ]
    options = {"bits": draw(st.integers(2, 7))} if family.name in ("int", "normal", "t", "lloyd") else {}
    if family.name == "t":
        options["nu"] = draw(st.floats(3, 1000))
    granularity = draw(GRANULARITIES)
    scale = draw(st.sampled_from([s for s in family.scales if s != "signmax" or granularity[0] == "g"]))
    if family.name in ("int", "normal", "t") and scale != "signmax":
        options["sign"] = draw(st.sampled_from(["sym", "asym"]))
    sparse = draw(st.just(0.0) | st.floats(1e-9, 0.99))
    gain, entropy = draw(st.sampled_from(["ls", "unbiased"])), draw(st.booleans())
    return Format(family(**options), granularity, scale, sparse, gain, entropy)


@given(formats())
def test_names_read_back(form):
    assert parse(str(form)) == form
    assert str(parse(str(form))) == str(form)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("normal:4/g64/signmax", "normal:4/g64/signmax"),
        ("normal:4,sign=sym/g64/signmax", "normal:4/g64/signmax"),
        ("int:4,sign=asym/row/rms", "int:4/row/rms"),
        ("int:4,sign=sym/row/rms", "int:4,sign=sym/row/rms"),
        ("t:4,nu=5/row/rms", "t:4/row/rms"),
        ("t:4,nu=7.50,sign=asym/row/rms", "t:4,sign=asym,nu=7.5/row/rms"),
        ("nf4/g128/absmax/sparse=0.0010/gain=unbiased", "nf4/g128/absmax/sparse=0.001/gain=unbiased"),
        ("e2m1/g32/search/sparse=0", "e2m1/g32/search"),
        ("lloyd:3/tensor/rms/sparse=1e-3", "lloyd:3/tensor/rms/sparse=0.001"),
        ("int:4/row/absmax/gain=ls/entropy", "int:4/row/absmax/entropy"),
        ("t:4/row/rms/sparse=0.010/entropy", "t:4/row/rms/sparse=0.01/entropy"),
    ],
)
def test_defaults_are_left_out(written, canonical):
    assert str(parse(written)) == canonical


def test_the_default_of_the_gain_is_left_out():
    from tabulae.formats.gain import DEFAULT_GAIN

    assert str(parse(f"int:8/row/absmax/gain={DEFAULT_GAIN}")) == "int:8/row/absmax"


def test_fields():
    form = parse("t:3,nu=4/g96/search/sparse=0.01/gain=ls")
    assert form == Format(StudentT(3, nu=4.0), "g96", "search", 0.01, "ls")
    assert (form.group, form.base, form.element.bits, form.entropy) == (96, "absmax", 3, False)
    assert parse("t:3/row/rms/entropy") == Format(StudentT(3), "row", "rms", entropy=True)


WRONG = {
    "": "a name must read",
    "normal:4": "a name must read",
    "normal:4/g64": "a name must read",
    "foo:4/g64/absmax": "accepted: e2m1, e3m0, grid, int, ",
    "Normal:4/g64/absmax": "the element must be known",
    " normal:4/g64/absmax": "the element must be known",
    "normal/g64/absmax": "a number of bits must follow",
    "normal:/g64/absmax": "a number of bits must follow",
    "normal:04/g64/absmax": "a number of bits must follow",
    "normal:4.0/g64/absmax": "a number of bits must follow",
    "normal:٤/g64/absmax": "a number of bits must follow",
    "nf4:4/g64/absmax": "no number of bits may follow",
    "normal:1/g64/absmax": "bits must be 2 to 8",
    "lloyd:9/g64/absmax": "bits must be 2 to 8",
    "int:8,sign=sym/g64/absmax": "bits must be 2 to 7",
    "int:4,sign=both/g64/absmax": "accepted: sign=sym, sign=asym",
    "int:4,nu=3/g64/absmax": "accepted: sign=",
    "int:4,sign=sym,sign=sym/g64/absmax": "stand once",
    "lloyd:4,sign=sym/g64/absmax": "accepted: none",
    "t:4,nu=/g64/absmax": "nu must be a number",
    "t:4,nu=nan/g64/absmax": "nu must be a number",
    "t:4,nu=2/g64/absmax": "nu must be 3 to 1000",
    "t:4,nu=1e4/g64/absmax": "nu must be 3 to 1000",
    "normal:4/g48/absmax": "multiple of 32",
    "normal:4/g0/absmax": "multiple of 32",
    "normal:4/g064/absmax": "multiple of 32",
    "normal:4/block/absmax": "accepted: tensor, row, or gN",
    "normal:4/g64/max": "accepted: rms, absmax, signmax, search",
    "normal:4/row/signmax": "accepted: rms, absmax, search, signmax with gN",
    "int:4/tensor/signmax": "signmax with gN",
    "nf4/g64/rms": "accepted: absmax, search",
    "sf4/row/rms": "accepted: absmax, search",
    "ternary/tensor/rms": "accepted: absmax, search",
    "nf4/g64/signmax": "accepted: absmax, search",
    "ternary/g64/signmax": "accepted: absmax, search",
    "e2m1/g64/signmax": "accepted: rms, absmax, search",
    "e3m0/g64/signmax": "accepted: rms, absmax, search",
    "normal:4,sign=asym/g64/signmax": "signmax must be without sign=",
    "int:4,sign=sym/g64/signmax": "signmax must be without sign=",
    "normal:4/g64/absmax/": "accepted: sparse=, gain=",
    "normal:4/g64/absmax/dense=1": "accepted: sparse=, gain=",
    "normal:4/g64/absmax/sparse": "accepted: sparse=, gain=",
    "normal:4/g64/absmax/sparse=a": "sparse must be a number",
    "normal:4/g64/absmax/sparse=-0.1": "sparse must be a number",
    "normal:4/g64/absmax/sparse=1": "must be at least 0 and below 1",
    "normal:4/g64/absmax/sparse=.1": "sparse must be a number",
    "normal:4/g64/absmax/gain=big": "accepted: ls, unbiased",
    "normal:4/g64/absmax/gain=ls/sparse=0.1": "the order: sparse, gain",
    "normal:4/g64/absmax/gain=ls/gain=ls": "stand once",
    "normal:4/g64/absmax/entropy/entropy": "accepted: sparse=, gain=",
    "normal:4/g64/absmax/entropy/sparse=0.1": "accepted: sparse=, gain=",
    "normal:4/g64/absmax/entropy=1": "accepted: sparse=, gain=",
    "normal:4/g64/entropy": "accepted: rms, absmax, signmax, search",
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_names_say_what_is_accepted(name):
    with pytest.raises(UsageError) as error:
        parse(name)
    assert WRONG[name] in str(error.value)
    assert str(error.value).startswith("[format") and "\n" not in str(error.value)
