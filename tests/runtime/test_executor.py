"""The native executor gives the bits of the reference interpreter: every architecture, float and table weights."""

import numpy as np
import pytest
from tiny_models import CONFIGS, TOKENS
from tiny_tables import WAYS, bound, encoded, float_model

from tabulae import _native
from tabulae.formats import encode, families, parse
from tabulae.program.interpreter import Interpreter
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session

DEFAULT = "normal:4/g64/signmax"
FORMATS = [
    "int:2/g32/absmax",
    "int:8/row/absmax",
    "normal:3/g64/signmax",
    "normal:6/tensor/rms/sparse=0.01",
    "laplace:5/row/rms",
    "t:3/g32/absmax",
    "t:8,nu=7/row/rms",
    "lloyd:4/g96/search",
    "lloyd:7/row/absmax",
    "nf4/row/absmax",
    "sf4/g64/absmax",
    "e2m1/g32/absmax",
    "e3m0/row/rms",
    "ternary/g64/absmax/sparse=0.02",
    "grid:2.5/row/rms",
    "grid:6/tensor/rms/sparse=0.01",
]


def session(binding, isa="", arithmetic="auto", threads=1):
    return Session(Engine(binding, threads=threads, arithmetic=arithmetic, isa=isa), 64)


def assert_same_bits(got, expected):
    np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))


def assert_interpreted(program, weights, ways=WAYS):
    expected = Interpreter(program, weights).logits(TOKENS, wanted="all")
    binding = bound(program, weights)
    for way in ways:
        assert_same_bits(session(binding, *way).feed(TOKENS, wanted=0), expected)


@pytest.mark.parametrize("name", CONFIGS)
def test_float_weights(name):
    program, weights = float_model(name)
    assert_interpreted(program, weights, [(isa, "auto", threads) for isa in _native.isas() for threads in (1, 2)])


@pytest.mark.parametrize("name", CONFIGS)
def test_table_weights(name):
    program, weights = float_model(name)
    assert_interpreted(program, encoded(weights, DEFAULT))


def test_every_family_is_tried():
    assert {parse(form).element.name for form in FORMATS} == {
        n for n, family in families().items() if family.__module__.startswith("tabulae.")
    }


@pytest.mark.parametrize("form", FORMATS)
def test_formats(form):
    program, weights = float_model("llama")
    assert_interpreted(program, encoded(weights, form))


def test_mixed_float_and_table_linears_of_one_input():
    program, weights = float_model("llama")
    mixed = {k: w if "k_proj" in k or "norm" in k else encoded({k: w}, DEFAULT)[k] for k, w in weights.items()}
    assert_interpreted(program, mixed)


def test_rotated_inputs():
    from dataclasses import replace

    from tabulae.arithmetic.rotation import random_rotation

    program, weights = float_model("qwen3")
    tables = dict(weights)
    for linear in program.linears():
        rotation = random_rotation(weights[linear].shape[1], seed=3) if weights[linear].shape[1] % 43 else None
        w = weights[linear] if rotation is None else rotation.rotate_weights(weights[linear])
        exponents = 4 if rotation is None else 0
        tables[linear] = replace(encode(parse(DEFAULT), w).matrix, rotation=rotation, exponents=exponents)
    assert_interpreted(program, tables)


def test_pieces_and_batches_do_not_show():
    program, weights = float_model("gemma3")
    binding = bound(program, encoded(weights, DEFAULT))
    tokens = (TOKENS * 3)[:64]
    whole = session(binding).feed(tokens, wanted=0)
    cut = session(binding, threads=2)
    pieces = [cut.feed(tokens[a:b], wanted=0) for a, b in ((0, 1), (1, 2), (2, 41), (41, 64))]
    assert_same_bits(np.concatenate(pieces), whole)
    assert_same_bits(session(binding).feed(tokens), whole[-1:])
    assert_same_bits(session(binding).feed(tokens, wanted=50), whole[50:])
