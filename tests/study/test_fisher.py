"""Sensitivities from gradients, where torch is installed."""

import sys

import numpy as np
import pytest
from tiny_tables import float_model

from tabulae.errors import UsageError
from tabulae.evaluation.windows import Windows
from tabulae.study.fisher import fisher
from tabulae.study.measured import measured
from tabulae.study.sensitivity import checked

PROGRAM, WEIGHTS = float_model("qwen2")  # tied
WINDOWS = Windows(np.random.default_rng(6).integers(0, 199, (24, 20)).astype(np.int32), 4)
FINE = "normal:6/g64/search"  # errors so small that KL is quadratic in them


def test_without_torch_there_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="torch must be installed"):
        fisher(PROGRAM, WEIGHTS, WINDOWS, model="m")


def test_an_unknown_way_is_refused():
    with pytest.raises(UsageError, match="accepted: sequences, positions"):
        fisher(PROGRAM, WEIGHTS, WINDOWS, model="m", way="guess")


@pytest.mark.live
@pytest.mark.parametrize(("way", "factor"), [("sequences", 1.3), ("positions", 1.6)])
def test_it_comes_near_what_is_measured(way, factor):
    pytest.importorskip("torch")
    from scipy.stats import spearmanr

    found = fisher(PROGRAM, WEIGHTS, WINDOWS, model="m", form=FINE, way=way)
    assert checked(found, "m", PROGRAM.tables()) is found
    assert (found.source, found.text) == ("fisher", WINDOWS.fingerprint)
    truth = measured(PROGRAM, WEIGHTS, WINDOWS, model="m", form=FINE)
    names = PROGRAM.tables()
    a, b = (np.array([record.values[name] for name in names]) for record in (found, truth))
    assert (a > 0).all()
    assert (np.abs(np.log(a / b)) < np.log(factor)).all(), dict(zip(names, a / b, strict=True))
    assert spearmanr(a, b).statistic > 0.8


@pytest.mark.live
def test_the_same_seed_gives_the_same_and_exact_tensors_cost_nothing():
    pytest.importorskip("torch")
    name = PROGRAM.linears()[3]
    weights = WEIGHTS | {name: np.zeros_like(WEIGHTS[name])}
    two, calls = Windows(WINDOWS.tokens[:2], WINDOWS.first), []
    first = fisher(PROGRAM, weights, two, model="m", progress=lambda *call: calls.append(call))
    again, other = fisher(PROGRAM, weights, two, model="m"), fisher(PROGRAM, weights, two, model="m", seed=1)
    assert first == again and first.values != other.values
    assert first.values[name] == 0 and calls == [("window 0", 0, 2), ("window 1", 1, 2)]
