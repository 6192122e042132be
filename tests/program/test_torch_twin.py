"""The twin says what the executor says, where torch is installed."""

import sys

import numpy as np
import pytest
from tiny_models import CONFIGS, TOKENS
from tiny_tables import bound, float_model

from tabulae.errors import UsageError
from tabulae.program.torch_twin import Twin, need_torch
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session


def test_without_torch_there_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="torch must be installed") as error:
        need_torch()
    assert error.value.hint == "pip install 'tabulae[fisher]'"


@pytest.mark.live
@pytest.mark.parametrize("name", CONFIGS)
def test_the_logits_are_those_of_the_executor(name):
    torch = pytest.importorskip("torch")
    program, weights = float_model(name)
    expected = Session(Engine(bound(program, weights)), 64).feed(TOKENS, wanted=9)
    twin = Twin(program, weights)
    batch = torch.tensor([TOKENS, TOKENS[::-1]])
    found = twin.logits(batch, 9).detach().numpy()
    assert found.shape == (2, len(TOKENS) - 9, 199)
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.live
@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt2", "opt_post_norm"])
def test_every_table_is_watched_at_work(name):
    torch = pytest.importorskip("torch")
    program, weights = float_model(name)
    seen = []

    def watch(weight, x, y):
        product = weights[weight][x.numpy()] if x.dim() < 3 else None
        if product is not None:
            np.testing.assert_array_equal(y.detach().numpy().reshape(product.shape), product)
        else:
            assert (x.shape[-1], y.shape[-1]) == weights[weight].shape[::-1]
        assert y.requires_grad
        seen.append(weight)

    Twin(program, weights).logits(torch.tensor([TOKENS]), 0, watch)
    assert set(seen) == {weight for weight, values in weights.items() if values.ndim == 2}
    assert len(seen) - len(set(seen)) == (name in ("qwen2", "gpt2", "opt_post_norm"))  # tied: used twice
