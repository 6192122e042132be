"""Scoring window by window: the same KL as at once, nothing scored twice, nothing of another reference."""

import numpy as np
import pytest

import tabulae
from scores import Scores
from tabulae.evaluation import cut, evaluate


@pytest.fixture(scope="module")
def windows():
    return cut(np.random.default_rng(0).integers(0, 300, 3 * 32), None, count=3, length=32, first=16)


@pytest.fixture(scope="module")
def reference(tiny_folder):
    with tabulae.open(tiny_folder) as trained, trained.load() as model:
        yield model


class Opened:
    """Opens a model for every ask, and counts."""

    def __init__(self, model):
        self.model, self.times = model, 0

    def __call__(self):
        self.times += 1
        return self

    def __enter__(self):
        return self.model

    def __exit__(self, *what):
        pass


class Interrupted(Opened):
    """Breaks off at the second window."""

    def logits(self, tokens, first=0):
        if self.times == 2:
            raise KeyboardInterrupt
        self.times += 1
        return self.model.logits(tokens, first)

    def __enter__(self):
        return self


def test_the_kl_is_that_of_evaluate(tmp_path, windows, reference, tiny_tab):
    with tabulae.load(tiny_tab) as candidate:
        scores = Scores(tmp_path, windows, "a")
        scores.record(Opened(reference))
        found = scores.kl("c", "complete", Opened(candidate))
        assert found == evaluate(candidate, reference, windows, kind="complete").kl


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, windows, reference, tiny_tab):
    with tabulae.load(tiny_tab) as candidate:
        Scores(tmp_path, windows, "a").record(first := Opened(reference))
        with pytest.raises(KeyboardInterrupt):
            Scores(tmp_path, windows, "a").kl("c", "complete", Interrupted(candidate))
        again = Scores(tmp_path, windows, "a")
        again.record(second := Opened(reference))
        whole = again.kl("c", "complete", rest := Opened(candidate))
        assert (first.times, second.times, rest.times) == (1, 0, 1)
        assert Scores(tmp_path, windows, "a").kl("c", "complete", idle := Opened(candidate)) == whole
        assert idle.times == 0


def test_another_reference_candidate_or_kind_is_scored_anew(tmp_path, windows, reference, tiny_tab):
    with tabulae.load(tiny_tab) as candidate:
        for fingerprint, name, kind in [("a", "c", "complete"), ("a", "d", "complete"), ("a", "d", "weights alone")]:
            scores = Scores(tmp_path, windows, fingerprint)
            scores.record(Opened(reference))
            scores.kl(name, kind, asked := Opened(candidate))
            assert asked.times == 1
        other = Scores(tmp_path, windows, "b")
        other.record(Opened(reference))
        other.kl("c", "complete", asked := Opened(candidate))
        assert asked.times == 1


def test_the_first_windows_are_scored_once_for_both(tmp_path, windows, reference, tiny_tab):
    with tabulae.load(tiny_tab) as candidate:
        scores = Scores(tmp_path, windows, "a")
        scores.record(Opened(reference))
        whole = scores.by_window("c", "complete", Opened(candidate))
        few = scores.first(2)
        assert few.by_window("c", "complete", idle := Opened(candidate)) == whole[:2] and idle.times == 0
        assert (len(few.windows), len(scores.windows)) == (2, 3)
