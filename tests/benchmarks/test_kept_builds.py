"""A planned model is built once, whatever it is scored on."""

import pytest

import kept_builds
import tabulae
from kept_builds import How, KeptBuilds


@pytest.fixture
def builds(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_builds, "first_half", lambda: "the cat sat on the mat and " * 400)
    with tabulae.open(tiny_folder) as trained:
        yield lambda **how: KeptBuilds(trained, tmp_path / "built", tmp_path / "s.json", How(**how), False, 1)


def test_built_once(builds, monkeypatch):
    first = builds().built(9.0)
    monkeypatch.setattr(kept_builds, "planned", None)
    again = builds().built(9.0)
    assert (again.path, again.plan) == (first.path, first.plan) and first.plan.totals.bits <= 9.0
    with tabulae.load(first.path) as model:
        assert model.logits([1, 2]).shape == (2, 300)


def test_what_decides_about_a_plan_decides_about_its_file(builds):
    paths = {builds(**how).built(bits).path for how in ({}, {"entropy": True}, {"flat": True}) for bits in (9.0, 10.0)}
    assert len(paths) == 6


@pytest.mark.live
def test_a_study_in_torch_is_the_study(builds):
    pytest.importorskip("torch")
    exact = builds(by="fisher").study
    one = builds(by="fisher")
    one._torch, one._sensitivity = True, one._sensitivity.with_name("t.json")
    found, again = one.study, KeptBuilds(one.trained, one._folder, one._sensitivity, one.how, True, 1).study
    assert found.calibration == exact.calibration and again.sensitivity == found.sensitivity
    assert found.sensitivity.values == pytest.approx(exact.sensitivity.values, rel=0.05)
    for name, known in exact.inputs.items():
        assert found.inputs[name].mean_square == pytest.approx(known.mean_square, rel=1e-3)
