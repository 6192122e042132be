"""Tiny models as drafts, and how far float32 lets two ways of computing the same logits part."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from tiny_models import TOKENS
from tiny_tables import bound, float_model

from tabulae.calibration import Draft
from tabulae.program.graph import Decoder
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session


@dataclass
class Model:
    """A trained model in memory."""

    program: Decoder
    weights: dict[str, np.ndarray]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def shape(self, name: str) -> tuple[int, ...]:
        return self.weights[name].shape

    def read(self, name: str) -> np.ndarray:
        return self.weights[name].copy()


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], Model]:
    """A committed tiny model by name."""
    return lambda name: Model(*float_model(name))


def logits_of(draft: Draft) -> np.ndarray:
    """Logits of all 24 tokens; the draft must hold just the tensors of its program, of the shapes that it says."""
    weights = {key: draft.tensors[key] for key in draft.program.weights()}
    assert set(weights) == set(draft.tensors)
    assert all(w.shape == draft.tensors.shape(key) and w.dtype == np.float32 for key, w in weights.items())
    return Session(Engine(bound(draft.program, weights), threads=1), 64).feed(TOKENS, wanted=0)


@pytest.fixture(scope="session")
def logits() -> Callable[[Draft], np.ndarray]:
    """The logits of a draft."""
    return logits_of


def noise(model: Model, expected: np.ndarray) -> float:
    """How far logits move when every weight moves by about one unit in the last place, up or down at random."""
    rng = np.random.default_rng(1)
    moved = {name: w * np.float32(1 + rng.choice([-1, 1], w.shape) * 2.0**-23) for name, w in model.weights.items()}
    return float(np.abs(logits_of(Draft.of(Model(model.program, moved))) - expected).max())


@pytest.fixture(scope="session")
def deviation(tiny: Callable[[str], Model]) -> Callable[[str, Draft], float]:
    """How far a draft's logits lie from those of the tiny model, in units of what float32 noise may do.

    A pass rounds every weight a few times and leaves the same sums in another order or basis, with as many roundings
    as before: so it may do what moving every weight by one unit in the last place does, four times (drafts that are
    right reach 0.3 of that). A factor that is wrong in one place does 10^4 times more.
    """
    known: dict[str, tuple[np.ndarray, float]] = {}

    def measure(name: str, draft: Draft) -> float:
        if name not in known:
            expected = logits_of(Draft.of(tiny(name)))
            known[name] = expected, 4 * noise(tiny(name), expected)
        expected, allowed = known[name]
        assert allowed < 1e-4 * np.abs(expected).max()
        return float(np.abs(logits_of(draft) - expected).max()) / allowed

    return measure
