"""Scaled rotations and caps of logits: the executor has the bits of the interpreter."""

import msgspec
import numpy as np
import pytest
from tiny_models import TOKENS
from tiny_tables import bound, float_model

from tabulae import _native
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.soft_cap import SoftCap
from tabulae.program.torch_twin import Twin
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session

ORIGINAL = 32
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16}
LONG = {
    "rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 8,
    "long_factor": [float(i + 2) for i in range(8)], "original_max_position_embeddings": ORIGINAL,
}  # fmt: skip
CASES = {
    "yarn": ("llama", {"rope_parameters": YARN}),
    "longrope": ("llama", {"rope_parameters": LONG}),
    "cap": ("gemma3", {"final_logit_softcapping": 3.0}),
}


def model(case):
    name, changes = CASES[case]
    return float_model(name, **changes)


def feed(program, weights, context, isa=""):
    return Session(Engine(bound(program, weights), isa=isa), context).feed(TOKENS, wanted=0)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("context", [ORIGINAL, ORIGINAL + 1])
def test_the_bits_of_the_interpreter(case, context):
    program, weights = model(case)
    expected = Interpreter(program, weights, context).logits(TOKENS, wanted="all")
    for isa in _native.isas():
        np.testing.assert_array_equal(feed(program, weights, context, isa).view(np.uint32), expected.view(np.uint32))


def test_frequencies_are_chosen_by_the_room_and_not_by_the_prompt():
    program, weights = model("longrope")
    short, long = (feed(program, weights, context) for context in (ORIGINAL, ORIGINAL + 1))
    assert not np.array_equal(short, long)
    session = Session(Engine(bound(program, weights)), ORIGINAL + 1)
    pieces = [session.feed(TOKENS[a:b], wanted=0) for a, b in ((0, 1), (1, 9), (9, len(TOKENS)))]
    np.testing.assert_array_equal(np.concatenate(pieces), long)


def test_no_logit_is_larger_than_the_cap():
    program, weights = model("cap")
    free = tuple(op for op in program.operations if not isinstance(op, SoftCap))
    logits = feed(program, weights, 64)
    before = feed(msgspec.structs.replace(program, operations=free), weights, 64)
    assert np.abs(before).max() > 3 >= np.abs(logits).max()
    np.testing.assert_allclose(logits, 3 * np.tanh(before.astype(np.float64) / 3), rtol=0, atol=3 * 4 * 2.0**-24)


@pytest.mark.live
@pytest.mark.parametrize("case", CASES)
def test_the_twin_in_torch_agrees(case):
    torch = pytest.importorskip("torch")
    program, weights = model(case)
    expected = feed(program, weights, len(TOKENS))
    found = Twin(program, weights).logits(torch.tensor([TOKENS]), 0).detach().numpy()[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
