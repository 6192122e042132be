"""What a sequence gives does not depend on the others of its batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CONFIGS, TOKENS
from tiny_tables import bound, encoded, float_model

from tabulae.errors import UsageError
from tabulae.runtime.batch import feed_together
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session


def alone(binding, pieces):
    session = Session(Engine(binding), 128)
    return [session.feed(piece)[-1] for piece in pieces]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_architecture(name):
    """Sequences of unequal length and room, joined by a third while they run."""
    program, weights = float_model(name)
    binding = bound(program, encoded(weights, "normal:4/g32/signmax"))
    engine = Engine(binding, threads=2)
    one, two, three = Session(engine, 60), Session(engine, 40), Session(engine, 50)
    pieces = {one: [TOKENS[:9], TOKENS[9:10], TOKENS[10:20]], two: [TOKENS[5:8], TOKENS[8:20]], three: [TOKENS]}
    first = feed_together([(one, pieces[one][0]), (two, pieces[two][0])])
    second = feed_together([(three, pieces[three][0]), (one, pieces[one][1]), (two, pieces[two][1])])
    third = feed_together([(one, pieces[one][2])])
    for found, session in (([first[0], second[1], third[0]], one), ([first[1], second[2]], two), ([second[0]], three)):
        for got, expected in zip(found, alone(binding, pieces[session]), strict=True):
            np.testing.assert_array_equal(got, expected)
        assert session.tokens == [token for piece in pieces[session] for token in piece]


BINDING = bound(*float_model("llama"))


@given(st.lists(st.integers(1, 70), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None)
def test_any_number_of_tokens(counts):
    """More than one batch, cut anywhere."""
    engine, tokens = Engine(BINDING), [(1 + 7919 * i) % 199 for i in range(70)]
    found = feed_together([(Session(engine, 128), tokens[:count]) for count in counts])
    for got, count in zip(found, counts, strict=True):
        np.testing.assert_array_equal(got, alone(BINDING, [tokens[:count]])[0])


def test_what_cannot_run_together_is_refused():
    engine = Engine(BINDING)
    one, two = Session(engine, 8), Session(engine, 8)
    with pytest.raises(UsageError, match="must share one engine"):
        feed_together([(one, [1]), (Session(Engine(BINDING), 8), [1])])
    with pytest.raises(UsageError, match="must be different"):
        feed_together([(one, [1]), (one, [2])])
    with pytest.raises(UsageError, match="must fit 8 tokens, but got 9"):
        feed_together([(one, [1]), (two, [1] * 9)])
    assert one.tokens == two.tokens == [] and feed_together([]) == []
    two.tap("model.layers.0.mlp.down_proj.weight", lambda x: None)
    with pytest.raises(UsageError, match="must have no taps"):
        feed_together([(one, [1]), (two, [1])])
