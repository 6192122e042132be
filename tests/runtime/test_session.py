"""Sessions: bad input is refused with one clear line, and afterwards all is as it was."""

import subprocess
import sys
import threading
import time
from pathlib import Path

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


def test_a_tap_cannot_run_the_session_it_taps(binding):
    session = new(binding)
    session.tap("model.layers.0.mlp.down_proj.weight", lambda x: session.feed([1]))
    with pytest.raises(UsageError, match="one call must end"):
        session.feed(TOKENS)
    session.tap("model.layers.0.mlp.down_proj.weight", None)
    session.rewind()
    np.testing.assert_array_equal(session.feed(TOKENS), new(binding).feed(TOKENS))


def test_two_threads_cannot_feed_one_session(binding):
    session, errors = new(binding, context=64), []

    def feed():
        try:
            session.feed(TOKENS)
        except UsageError as error:
            errors.append(error)

    session.tap("model.layers.0.mlp.down_proj.weight", lambda x: time.sleep(0.05))
    threads = [threading.Thread(target=feed) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 1 and session.tokens == TOKENS


@pytest.mark.parametrize("tokens", [[1.5], ["1"], [[1, 2]], "text", [2**70]])
def test_tokens_that_are_no_list_of_integers(binding, tokens):
    with pytest.raises(UsageError, match=r"\[tokens\]"):
        new(binding).feed(tokens)


@pytest.mark.parametrize("result", [np.ones((64, 24), np.float32), np.ones((24, 64)), 3])
def test_what_a_tap_must_return(binding, result):
    session = new(binding)
    session.tap("model.layers.0.mlp.gate_proj.weight", lambda x: result)
    with pytest.raises(ValueError, match="same shape"):
        session.feed(TOKENS)


def test_more_threads_than_there_can_be():
    """A pool that cannot be made ends with an error, not for ever."""
    script = (
        "import resource, sys; sys.path[:0] = sys.argv[1:]\n"
        "from tiny_tables import bound, float_model\n"
        "from tabulae.runtime.session import Session\n"
        "binding = bound(*float_model('llama'))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "try:\n    Session(binding, context=8, threads=1024)\n"
        "except Exception as error:\n    print(type(error).__name__)\n"
    )
    fixtures = Path(__file__).parents[1] / "fixtures"
    done = subprocess.run([sys.executable, "-c", script, fixtures], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "UsageError", done.stderr
