"""A task that is not a text: what studies take of it."""

import numpy as np
import pytest
from tiny_tables import bound, float_model

from tabulae.errors import UsageError
from tabulae.evaluation.windows import Windows
from tabulae.runtime.language_model import LanguageModel
from tabulae.study.inputs import measure_inputs
from tabulae.study.measured import measured

PROGRAM, WEIGHTS = float_model("llama")


class YesOrNo:
    """Questions of any length; only whether token 0 is likelier than token 1 behind the last one counts."""

    first, fingerprint = 0, "yes or no"

    def __init__(self, *questions):
        self.questions = questions

    def __len__(self):
        return len(self.questions)

    def given(self, example):
        return "tokens", np.int32(self.questions[example])[:, None]

    def run(self, model, example):
        return model.logits(self.questions[example], self.first)

    def divergence(self, reference):
        return lambda answers: np.square(np.diff(answers[-1:, :2] - reference[-1:, :2])[:, 0]).astype(np.float64)


def test_sensitivities_of_another_task():
    found = measured(PROGRAM, WEIGHTS, YesOrNo([5, 6, 7], [8, 9, 10, 11]), model="m", names=PROGRAM.tables()[-2:])
    assert found.text == "yes or no" and all(value > 0 for value in found.values.values())


def test_inputs_of_another_task():
    with LanguageModel(bound(PROGRAM, WEIGHTS), None, threads=1) as model:
        found = measure_inputs(model, YesOrNo([5, 6, 7], [8, 9, 10, 11]), "m")
        whole = measure_inputs(model, Windows(np.int32([[5, 6, 7, 0]]), 0), "m")
        same = measure_inputs(model, YesOrNo([5, 6, 7]), "m")
    assert (found.text, found.tokens) == ("yes or no", 7)
    for name, known in same.values.items():
        np.testing.assert_array_equal(known.mean_square, whole.values[name].mean_square)


def test_a_task_without_examples_is_refused():
    with pytest.raises(UsageError, match=r"\[task\] there must be examples, but got none"):
        measured(PROGRAM, WEIGHTS, YesOrNo(), model="m")
