import numpy as np
import pytest
from tiny_tables import bound, float_model

from tabulae.errors import UsageError
from tabulae.evaluation.kl import full_kl, normaliser
from tabulae.evaluation.value import mean_of
from tabulae.evaluation.windows import Windows
from tabulae.formats import encode, parse
from tabulae.formats.input_statistics import of_squares
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session
from tabulae.study.measured import FORMAT, OneAtATime, measured
from tabulae.study.sensitivity import checked, relative_error

WINDOWS = Windows(np.random.default_rng(6).integers(0, 199, (3, 14)).astype(np.int32), 4)


def run(program, weights):
    binding = bound(program, weights)
    return [Session(Engine(binding), 64).feed(WINDOWS.inputs(i), wanted=WINDOWS.first) for i in range(len(WINDOWS))]


def naive(program, weights, name, decoded):
    """Mean KL of every window of the whole model, run with one weight replaced."""
    for a, b in zip(run(program, weights), run(program, weights | {name: decoded}), strict=True):
        yield float(full_kl(a, b, normaliser(a), normaliser(b)).mean())


@pytest.mark.parametrize("model", ["llama", "qwen2", "gpt2"])
def test_it_is_what_the_whole_model_loses(model):
    program, weights = float_model(model)
    rng = np.random.default_rng(8)
    importance = {name: rng.random(weights[name].shape[1], np.float32) for name in program.linears()}
    found = measured(program, weights, WINDOWS, model="m", inputs=of_squares(importance))
    assert checked(found, "m", program.tables()) is found
    assert (found.source, found.text) == ("measured", WINDOWS.fingerprint)
    for name in program.tables():
        decoded = encode(parse(FORMAT), weights[name], importance.get(name)).decode()
        square = relative_error(weights[name], decoded, importance.get(name))
        expected = mean_of([kl / square for kl in naive(program, weights, name, decoded)])
        assert found.values[name] == pytest.approx(expected.mean, rel=1e-3, abs=1e-5)
        assert found.se[name] == pytest.approx(expected.se, rel=1e-2, abs=1e-5)


def test_some_tensors_only_and_progress():
    program, weights = float_model("llama")
    names, calls = program.linears()[3:5], []
    some = measured(program, weights, WINDOWS, model="m", names=names, progress=lambda *call: calls.append(call))
    every = measured(program, weights, WINDOWS, model="m", threads=2)
    assert some.values == {name: every.values[name] for name in names}
    assert calls == [(names[0], 0, 2), (names[1], 1, 2)]


def test_a_tensor_that_its_format_stores_exactly_costs_nothing():
    program, weights = float_model("llama")
    name = program.linears()[2]
    zeros = measured(program, weights | {name: np.zeros_like(weights[name])}, WINDOWS, model="m", names=[name])
    assert zeros.values == {name: 0.0} and zeros.se is None


def test_one_window_has_no_standard_error():
    program, weights = float_model("llama")
    one = Windows(WINDOWS.tokens[:1], WINDOWS.first)
    assert measured(program, weights, one, model="m", names=program.linears()[:1]).se is None


def test_the_unchanged_tensor_has_no_kl():
    program, weights = float_model("llama")
    meter = OneAtATime(program, weights, WINDOWS)
    assert meter.kl(program.linears()[5], weights[program.linears()[5]]) == (0.0, 0.0, 0.0)


def test_wrong_names_and_formats_are_refused():
    program, weights = float_model("llama")
    with pytest.raises(UsageError, match=r"linears or embeddings, but got \['model.norm.weight', 'none'\]"):
        measured(program, weights, WINDOWS, model="m", names=["none", "model.norm.weight", program.linears()[0]])
    with pytest.raises(UsageError, match="unknown:4"):
        measured(program, weights, WINDOWS, model="m", form="unknown:4")
