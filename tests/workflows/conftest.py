"""A tiny model, a text, a plan and a judge."""

import numpy as np
import pytest

import tabulae
from tabulae.study.study import study
from tabulae.workflows.curves import Planner
from tabulae.workflows.verdict import Verifier


@pytest.fixture(scope="module")
def text():
    words = np.array(["the", "inn", "on", "hill", "is", "a", "thin", "thing", "in", "rain"] * 300)
    return " ".join(np.random.default_rng(1).permutation(words))


@pytest.fixture(scope="module")
def trained(tiny_folder):
    with tabulae.open(tiny_folder) as model:
        yield model


@pytest.fixture(scope="module")
def planned(trained, text):
    return Planner.of(trained, study(trained, text))


@pytest.fixture(scope="module")
def verifier(trained, text):
    judge = Verifier(trained, text)
    return lambda: judge
