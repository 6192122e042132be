"""Rules: which tensor gets which format."""

import pytest

from tabulae.errors import UsageError
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select
from tabulae.workflows.recipe import choose, parse_rules

OPERATIONS = (
    Embed.of("e", "x"),
    Project("x", (Linear("a.q", "h", "a.q.bias"),)),
    Select("h", "l"),
    Project("l", (Linear("head", "logits"),)),
)
PROGRAM = Decoder.of(OPERATIONS, {"x": 4, "h": 4, "l": 4, "logits": 9}, 9, 8)


def chosen(*rules):
    return {name: str(form) for name, form in choose(PROGRAM, PROGRAM.weights(), parse_rules(rules)).items()}


def test_defaults():
    assert chosen() == {
        "e": "int:8/row/absmax",
        "a.q": "normal:4/g64/signmax",
        "a.q.bias": "None",
        "head": "int:8/row/absmax",
    }


def test_one_format_for_all():
    assert set(chosen("int:4/row/rms").values()) == {"int:4/row/rms", "None"}


def test_the_last_match_counts():
    rules = ("int:4/row/rms", "a.*=int:6/row/rms", "head=float32", "*.q=t:5,nu=7/row/rms/sparse=0.01")
    assert chosen(*rules) == {
        "e": "int:4/row/rms",
        "a.q": "t:5,nu=7/row/rms/sparse=0.01",
        "a.q.bias": "None",
        "head": "None",
    }


@pytest.mark.parametrize("rule", ["a.k=int:4/row/rms", "*bias=int:4/row/rms"])
def test_patterns_without_a_match(rule):
    with pytest.raises(UsageError, match=r"such as a\.q"):
        chosen(rule)


@pytest.mark.parametrize("rule", ["int:4/row/rms/rotate=1", "*q=int:4/row/rms/feedback"])
def test_what_cannot_be_done_yet_is_refused_before_any_work(rule):
    with pytest.raises(UsageError, match="must be known to this version"):
        chosen(rule)
