"""What benchmarks run in torch is what the executor runs: logits, and the importance of inputs."""

import numpy as np
import pytest

import tabulae
from tabulae.evaluation import cut
from tabulae.study.inputs import measure_inputs
from torch_model import TorchModel


@pytest.mark.live
def test_logits_and_importance_are_those_of_the_executor(tiny_folder):
    pytest.importorskip("torch")
    windows = cut(np.random.default_rng(0).integers(0, 300, 2 * 32), None, count=2, length=32, first=16)
    with tabulae.open(tiny_folder) as trained, trained.load() as exact:
        model = TorchModel(trained.program, dict(trained.tensors()), threads=1)
        expected = exact.logits(windows.inputs(0), first=16)
        found = model.logits(windows.inputs(0), first=16)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
        wanted, importance = measure_inputs(exact, windows, "").values, model.importance(windows)
    assert importance.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_allclose(importance[name], wanted[name].mean_square, rtol=1e-4)
