"""Sessions: bad input is refused with one clear line, and afterwards all is as it was."""

import numpy as np
import pytest
from tiny_models import TOKENS
from tiny_tables import bound, float_model

from tabulae.errors import ModelError, UsageError
from tabulae.runtime.session import Session


@pytest.fixture(scope="module")
def binding():
    return bound(*float_model("llama"))


def new(binding, **options):
    return Session(binding, **{"context": 64, **options})


@pytest.mark.parametrize(("tokens", "text"), [([], "at least one"), ([-1], r"0\.\.198"), ([3, 199], r"0\.\.198")])
def test_wrong_tokens(binding, tokens, text):
    with pytest.raises(UsageError, match=text):
        new(binding).feed(tokens)


def test_a_sequence_that_outgrows_the_context(binding):
    session = new(binding, context=8)
    session.feed(TOKENS[:6])
    with pytest.raises(UsageError, match="must fit 8 tokens, but got 9"):
        session.feed(TOKENS[:3])
    assert session.position == 6
    session.feed(TOKENS[:2])


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": 5000}, {"arithmetic": "guess"}])
def test_wrong_options(binding, options):
    with pytest.raises(UsageError, match="but got"):
        new(binding, **options)


def test_weights_that_overflow_are_reported():
    program, weights = float_model("llama")
    name = "model.layers.0.mlp.up_proj.weight"
    weights[name] = weights[name] * np.float32(1e38)
    from tabulae.formats import parse

    down = "model.layers.0.mlp.down_proj.weight"
    weights[down] = parse("int:8/row/absmax").encode(weights[down]).matrix
    with pytest.raises(ModelError, match="finite"):
        new(bound(program, weights)).feed(TOKENS)


def test_a_tap_sees_and_replaces_inputs(binding):
    plain = new(binding).feed(TOKENS, wanted=0)
    seen = []
    session = new(binding)
    session.tap("model.layers.1.self_attn.k_proj.weight", seen.append)
    np.testing.assert_array_equal(session.feed(TOKENS, wanted=0), plain)
    assert [x.shape for x in seen] == [(len(TOKENS), 64)]
    session.rewind()
    session.tap("model.layers.1.self_attn.k_proj.weight", lambda x: x * np.float32(2))
    assert not np.array_equal(session.feed(TOKENS, wanted=0), plain)
    session.rewind()
    session.tap("model.layers.1.self_attn.k_proj.weight", None)
    np.testing.assert_array_equal(session.feed(TOKENS, wanted=0), plain)


def test_an_error_in_a_tap_comes_through_and_leaves_the_session_usable(binding):
    plain = new(binding).feed(TOKENS)
    session = new(binding, threads=2)

    def fail(x):
        raise KeyboardInterrupt

    session.tap("model.layers.0.mlp.down_proj.weight", fail)
    with pytest.raises(KeyboardInterrupt):
        session.feed(TOKENS)
    session.tap("model.layers.0.mlp.down_proj.weight", None)
    np.testing.assert_array_equal(session.feed(TOKENS), plain)


def test_a_tap_on_no_linear(binding):
    with pytest.raises(UsageError, match="linears are named like"):
        new(binding).tap("model.norm.weight", print)


def test_rewinding_too_far(binding):
    with pytest.raises(UsageError, match=r"0\.\.0"):
        new(binding).rewind(1)
