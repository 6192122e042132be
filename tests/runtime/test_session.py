"""Sessions: bad input is refused with one clear line, and afterwards all is as it was."""

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from tiny_models import TOKENS
from tiny_tables import bound, float_model

from tabulae import _native
from tabulae.errors import ModelError, UsageError
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session

HANGS = 60  # seconds after which a wait that nothing ends is a failure; everything here waits for events
DOWN = "model.layers.0.mlp.down_proj.weight"


@pytest.fixture(scope="module")
def binding():
    return bound(*float_model("llama"))


def new(binding, **options):
    context = options.pop("context", 64)
    return Session(Engine(binding, **options), context)


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
    from tabulae.formats import encode, parse

    down = "model.layers.0.mlp.down_proj.weight"
    weights[down] = encode(parse("int:8/row/absmax"), weights[down]).matrix
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


def test_a_tap_that_holds_its_session_is_collected(binding):
    session = new(binding)
    gone = weakref.ref(session)
    session.tap("model.layers.0.mlp.down_proj.weight", lambda x, mine=session: None)
    session.feed(TOKENS)
    del session
    gc.collect()
    assert gone() is None


def test_a_tap_that_holds_its_session_leaves_no_report_at_exit():
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from tiny_tables import bound, float_model\n"
        "from tabulae.runtime.engine import Engine\n"
        "from tabulae.runtime.session import Session\n"
        "def use():\n"
        "    session = Session(Engine(bound(*float_model('llama'))), 8)\n"
        "    session.tap('model.layers.0.mlp.down_proj.weight', lambda x: print(session.position))\n"
        "    session.feed([1])\n"
        "use()\n"
    )
    fixtures = Path(__file__).parents[1] / "fixtures"
    done = subprocess.run([sys.executable, "-c", script, fixtures], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_tap_on_no_linear(binding):
    with pytest.raises(UsageError, match="linears are named like"):
        new(binding).tap("model.norm.weight", print)


def test_rewinding_too_far(binding):
    with pytest.raises(UsageError, match=r"0\.\.0"):
        new(binding).rewind(1)


def test_a_tap_cannot_run_the_session_it_taps(binding):
    session = new(binding)
    for call in (lambda x: session.feed([1]), lambda x: session.rewind(0)):
        session.tap(DOWN, call)
        with pytest.raises(UsageError, match="one call must end"):
            session.feed(TOKENS)
    session.tap(DOWN, None)
    session.rewind()
    np.testing.assert_array_equal(session.feed(TOKENS), new(binding).feed(TOKENS))


def test_a_tap_set_during_a_run_is_refused(binding):
    """By the tap itself, by another thread, and by the native core on its own."""
    session, errors, runs, over = new(binding), [], threading.Event(), threading.Event()

    def during(x):
        runs.set()
        assert over.wait(HANGS)
        with pytest.raises(UsageError, match="during a run"):
            session.tap(DOWN, None)
        with pytest.raises(_native.BusyError):
            session.engine._native.read_plainly(session.sequence, 0)
        errors.append("seen")

    session.tap(DOWN, during)
    runner = threading.Thread(target=session.feed, args=(TOKENS,), daemon=True)
    runner.start()
    try:
        assert runs.wait(HANGS)
        with pytest.raises(UsageError, match="during a run"):
            session.tap(DOWN, None)
    finally:
        over.set()
        runner.join(HANGS)
    assert errors == ["seen"]
    session.tap(DOWN, None)


@pytest.mark.parametrize("tapped", [False, True])
def test_threads_take_turns(binding, tapped):
    """Whole calls, in any order: every thread's tokens stand together, and the logits are of where they stand."""
    session, got = new(binding, threads=2), {}
    if tapped:  # a tap needs the GIL while the others wait
        session.tap(DOWN, lambda x: None)
    parts = [TOKENS[i : i + 4] for i in range(0, 24, 4)]

    def feed(part):
        got[tuple(part)] = session.feed(part)

    threads = [threading.Thread(target=feed, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    order = [tuple(session.tokens[i : i + 4]) for i in range(0, 24, 4)]
    assert sorted(order) == sorted(map(tuple, parts))
    expected = new(binding).feed(session.tokens, wanted=0)
    for index, part in enumerate(order):
        np.testing.assert_array_equal(got[part], expected[4 * index + 3 : 4 * index + 4])


def test_taps_that_wait_for_each_other_are_refused(binding):
    """Two sessions whose taps feed the other one: no call waits for ever."""
    one, two, both, refused = new(binding), new(binding), threading.Barrier(2, timeout=HANGS), []

    def feeding(other):
        def tap(x):
            both.wait()
            try:
                other.feed([1])
            except UsageError as error:
                refused.append(error)
            both.wait()

        return tap

    one.tap(DOWN, feeding(two))
    two.tap(DOWN, feeding(one))

    def run(session):
        try:
            session.feed(TOKENS)
        except BaseException:
            both.abort()  # the other one need not wait
            raise

    threads = [threading.Thread(target=run, args=(session,), daemon=True) for session in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS)
    assert len(refused) == 2 and one.tokens == two.tokens == TOKENS


def forked(check):
    """Whether ``check()`` holds in a forked child; a child that hangs is killed after 60 s."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def test_a_forked_child_goes_on_with_its_sessions(binding):
    sessions = [new(binding, threads=threads) for threads in (2, 3)]
    expected = new(binding).feed(TOKENS, wanted=0)
    for session in sessions:
        session.feed(TOKENS[:3])

    def goes_on():
        same = [np.array_equal(session.feed(TOKENS[3:], wanted=0), expected[3:]) for session in sessions]
        sessions.clear()  # what a fork left behind must not hang when it goes
        return all(same) and forked(lambda: np.array_equal(new(binding, threads=2).feed(TOKENS), expected[-1:]))

    assert forked(goes_on)
    assert forked(lambda: sessions.clear() is None)
    for session in sessions:
        np.testing.assert_array_equal(session.feed(TOKENS[3:], wanted=0), expected[3:])


def test_a_child_forked_during_a_run_can_use_the_session(binding):
    session, answers = new(binding, threads=2), []
    expected = new(binding).feed(TOKENS)

    def fork_elsewhere(x):
        session_free = lambda: not session.tap(DOWN, None) and np.array_equal(session.feed(TOKENS), expected)  # noqa: E731
        other = threading.Thread(target=lambda: answers.append(forked(session_free)))
        other.start()
        other.join()

    session.tap(DOWN, fork_elsewhere)
    session.feed(TOKENS)
    assert answers == [True]


def test_a_child_forked_by_a_tap_is_inside_that_run(binding):
    session, answers = new(binding), []

    def refused():
        try:
            session.feed(TOKENS[:1])
        except UsageError:
            return True
        return False

    session.tap(DOWN, lambda x: answers.append(forked(refused)))
    session.feed(TOKENS)
    assert answers == [True]


def test_a_plain_read_takes_its_turn(binding):
    session, errors = new(binding), []

    def read(x):
        with pytest.raises(UsageError, match="one call must end") as found:
            session.read_plainly(0)
        errors.append(found)

    session.tap(DOWN, read)
    session.feed(TOKENS)
    assert len(errors) == 1 and session.read_plainly(0) > 0


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
        "from tabulae.runtime.engine import Engine\n"
        "from tabulae.runtime.session import Session\n"
        "binding = bound(*float_model('llama'))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "try:\n    Session(Engine(binding, threads=1024), 8)\n"
        "except Exception as error:\n    print(type(error).__name__)\n"
    )
    fixtures = Path(__file__).parents[1] / "fixtures"
    done = subprocess.run([sys.executable, "-c", script, fixtures], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "UsageError", done.stderr
