"""A run from the middle gives the bits of a whole run."""

import numpy as np
import pytest
from tiny_models import CONFIGS
from tiny_tables import bound, float_model

from tabulae.calibration import Draft, split_rows
from tabulae.calibration.draft import Tensor, Tensors
from tabulae.evaluation.windows import Windows
from tabulae.program.ops.attention import Attention
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session
from tabulae.study.rerun import START, Rerun, cuts


@pytest.fixture(scope="module")
def windows() -> Windows:
    return Windows(np.random.default_rng(3).integers(0, 199, (2, 13)).astype(np.int32), 7)


def whole(program, weights, windows):
    binding = bound(program, weights)
    for window in range(len(windows)):
        yield Session(Engine(binding), 64).feed(windows.inputs(window), wanted=windows.first)


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("name", CONFIGS)
def test_replaced_weights_give_the_bits_of_a_whole_run(name, windows):
    program, weights = float_model(name)
    rerun = Rerun(program, weights, windows)
    same(rerun.logits(), whole(program, weights, windows))
    for weight in program.weights():
        other = (weights[weight] * np.float32(1.25)).astype(np.float32)
        same(rerun.replaced(weight, other), whole(program, weights | {weight: other}, windows))
    same(rerun.logits(), whole(program, weights, windows))  # all is as it was


def test_bands(windows):
    tensors = Tensors({name: Tensor(w.shape, lambda w=w: w) for name, w in float_model("qwen2")[1].items()})  # tied
    draft = split_rows(Draft(float_model("qwen2")[0], tensors), least=1 << 10)
    program, weights = draft.program, dict(draft.tensors)
    begins = [cut.at for cut in cuts(program)]
    assert begins[:2] == [0, 1] and len(program.operations[0].bands) > 2
    rerun = Rerun(program, weights, windows)
    for weight in (name for name in program.weights() if "[" in name):
        other = (weights[weight] * np.float32(1.25)).astype(np.float32)
        same(rerun.replaced(weight, other), whole(program, weights | {weight: other}, windows))


def test_any_order_and_any_number_of_threads(windows):
    program, weights = float_model("llama")
    rerun = Rerun(program, weights, windows, threads=2)
    for weight in (program.linears()[-1], program.linears()[2], program.weights()[0], program.linears()[9]):
        other = weights[weight][::-1].copy()
        same(rerun.replaced(weight, other), whole(program, weights | {weight: other}, windows))


def test_an_abandoned_run_puts_the_weight_back(windows):
    program, weights = float_model("llama")
    rerun, weight = Rerun(program, weights, windows), program.linears()[4]
    run = rerun.replaced(weight, np.zeros_like(weights[weight]))
    next(run)
    run.close()
    same(rerun.logits(), whole(program, weights, windows))


def test_the_weights_that_were_given_are_left_alone(windows):
    program, weights = float_model("llama")
    for weight in weights.values():
        weight.flags.writeable = False
    before = {name: weight.copy() for name, weight in weights.items()}
    for weight in program.linears():
        list(Rerun(program, weights, windows).replaced(weight, np.zeros_like(weights[weight])))
    assert all((before[name] == weight).all() for name, weight in weights.items())


@pytest.mark.parametrize("name", CONFIGS)
def test_cuts_lie_where_one_buffer_holds_everything(name):
    program, _ = float_model(name)
    places = cuts(program)
    assert places[0] == START and list(places) == sorted(places)
    assert len(places) >= 1 + sum(isinstance(op, Attention) for op in program.operations)  # one a layer at least
    last = next(i for i, op in enumerate(program.operations) if isinstance(op, Select))
    assert places[-1].at <= last
    assert any(isinstance(op, Project) for op in program.operations[places[-1].at :])
