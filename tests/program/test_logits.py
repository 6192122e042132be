"""Every architecture gives the logits of transformers: committed ones, and live where torch is installed."""

import numpy as np
import pytest
from tiny_models import CONFIGS, TOKENS, FakeSource, load, weight

from tabulae.program import architectures
from tabulae.program.interpreter import Interpreter


def interpreter(source: FakeSource) -> Interpreter:
    architecture = architectures.find(source)
    config = architecture.config(source)
    origins = architecture.tensors(source, config)
    weights = {name: origin.read(source) for name, origin in origins.items()}
    assert all(weights[name].shape == origin.shape for name, origin in origins.items())
    return Interpreter(architecture.program(config), weights)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_committed_logits_are_reached(name: str) -> None:
    source, expected = load(name)
    logits = interpreter(source).logits(TOKENS, wanted="all")
    assert logits.shape == (len(TOKENS), 199) and logits.dtype == np.float32
    np.testing.assert_allclose(logits[-2:], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_prompt_in_pieces_gives_the_same_bits(name: str) -> None:
    source, _ = load(name)
    model = interpreter(source)
    whole = model.logits(TOKENS, wanted="all")
    pieces = [model.logits(TOKENS[a:b], start=a, wanted="all") for a, b in ((0, 1), (1, 17), (17, 24))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    np.testing.assert_array_equal(model.logits(TOKENS[20:], start=20), whole[-1:])


@pytest.mark.live
@pytest.mark.parametrize("name", CONFIGS)
def test_transformers_agrees_live(name: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from make_logit_fixtures import build

    config, shapes, expected = build(name)
    source = FakeSource("huggingface", config, {key: weight(key, tuple(shape)) for key, shape in shapes.items()})
    np.testing.assert_allclose(interpreter(source).logits(TOKENS, wanted="all"), expected, rtol=0, atol=1e-3)
