import numpy as np
import pytest

from tabulae.calibration import Draft, fold_norms
from tabulae.errors import UsageError
from tabulae.formats.input_statistics import of_squares


class Counting:
    """A model that counts its reads."""

    program = None
    names = ("w", "g")

    def __init__(self) -> None:
        self.reads: list[str] = []

    def shape(self, name: str) -> tuple[int, ...]:
        return {"w": (2, 3), "g": (3,)}[name]

    def read(self, name: str) -> np.ndarray:
        self.reads.append(name)
        return np.ones(self.shape(name), np.float32)


def test_tensors_are_read_when_asked_for() -> None:
    model = Counting()
    tensors = Draft.of(model).tensors
    changed = tensors.changed({"w": tensors.tensor("w").then(lambda w: w + 1).then(lambda w: w * 3)}, frozenset({"g"}))
    assert "w" in changed and "g" not in changed and changed.shape("w") == (2, 3) and len(changed) == 1
    assert model.reads == []
    assert changed["w"].tolist() == [[6, 6, 6], [6, 6, 6]] and changed["w"][0, 0] == 6
    assert model.reads == ["w", "w"]
    assert tensors["w"][0, 0] == 1


def test_a_draft_is_what_a_draft_can_be_made_of(tiny) -> None:
    draft = fold_norms(Draft.of(tiny("gpt2")))
    again = Draft.of(draft)
    assert again.names == draft.names and set(again.tensors) == set(draft.tensors) and again.program is draft.program
    assert all((again.read(name) == draft.tensors[name]).all() for name in draft.names)
    assert all(again.shape(name) == draft.tensors[name].shape for name in draft.names)


@pytest.mark.parametrize(
    "name, values", [("x", [1, 1, 1]), ("w", [1, 1]), ("w", [1, np.nan, 1]), ("w", [1, -1, 1]), ("w", [1, np.inf, 1])]
)
def test_importance_must_fit(name: str, values: list[float]) -> None:
    with pytest.raises(UsageError, match="importance"):
        Draft.of(Counting(), of_squares({name: np.float32(values)}))
