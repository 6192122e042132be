"""What compilers make of the kernels: nothing that another ISA could be given, no products where tables serve."""

import re
import subprocess

import pytest
from native_objects import ISAS, X86, disassembled, inner_loops, shipped, tool, unoptimised

NAMES = [isa.stem for isa in ISAS]
MULTIPLY = re.compile(r"v?p?(i?mul|madd|dpbus|dpwss|fn?m(add|sub))\w*|v(mul|dp)\w+")
LOOK_UP = re.compile(r"vperm[it]2b")

pytestmark = pytest.mark.skipif(not X86, reason="flags and instructions of x86-64")


@pytest.mark.parametrize("make", [unoptimised, shipped])
@pytest.mark.parametrize("isa", ISAS, ids=NAMES)
def test_no_function_of_one_isa_can_stand_in_for_anothers(isa, make, tmp_path):
    """Of weak functions the linker keeps one: that of an ISA that does not run here, perhaps."""
    lines = subprocess.run(
        [tool("nm"), "-C", make(isa, tmp_path)], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    symbols = [(line[17], line[19:]) for line in lines]
    weak = [name for kind, name in symbols if kind in "WwVvu" and not name.startswith("DW.ref.")]  # a pointer, no code
    assert symbols and not weak
    assert not [name for kind, name in symbols if kind == "T"], "all functions are local; only the table is known"


@pytest.fixture(scope="module", params=ISAS, ids=NAMES)
def code(request, tmp_path_factory):
    return disassembled(shipped(request.param, tmp_path_factory.mktemp("objects")))


def products(instructions):
    return [at.name for at in instructions if MULTIPLY.fullmatch(at.name)]


def per_weight(functions, arithmetic):
    """By kernel, what runs for every weight of it.

    In plain C++ that is a function of its own. On an ISA that looks up or multiplies in registers: the inner loops,
    without those that only close a chunk: they hold no look-up.
    """
    if plain := {key: body for key, body in functions.items() if "unit_sums<" in key}:
        return {key: [body] for key, body in plain.items() if ("LookUp" in key) == (arithmetic == "lookup")}
    found = {key: inner_loops(body) for key, body in functions.items() if f"{arithmetic}_panels<" in key}
    if arithmetic == "lookup":
        found = {key: [x for x in loops if any(LOOK_UP.match(at.name) for at in x)] for key, loops in found.items()}
    return found


def test_look_up_kernels_do_not_multiply_weights(code):
    kernels = per_weight(code, "lookup")
    assert kernels
    for name, loops in kernels.items():
        assert loops and not any(map(products, loops)), name


def test_the_same_search_finds_the_products_of_kernels_that_multiply(code):
    kernels = per_weight(code, "multiply")
    assert kernels
    for name, loops in kernels.items():
        assert any(map(products, loops)), name


def test_outliers_are_looked_up_without_products_too(code):
    """By shifts and additions, in one loop over the outliers of a row."""
    found = {key: body for key, body in code.items() if "add_outliers<" in key}
    assert {"<true>" in name for name in found} == {True, False}
    for name, body in found.items():
        assert any(map(products, inner_loops(body))) == ("<false>" in name), name
