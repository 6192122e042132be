import numpy as np
import pytest
from tiny_models import CONFIGS

from tabulae.arithmetic.rotation import random_rotation
from tabulae.calibration import Draft, bridge, fold_norms, rotate_residual, untie
from tabulae.calibration.rotate_residual import turned_columns, turned_rows
from tabulae.errors import UsageError
from tabulae.formats.input_statistics import of_squares

RMS = [name for name in CONFIGS if name.startswith(("llama", "qwen"))]
EMBEDDING = "model.embed_tokens.weight"


@pytest.mark.parametrize("name", RMS)
@pytest.mark.parametrize("free", [untie, bridge])
def test_the_logits_stay(name, free, tiny, deviation) -> None:
    assert deviation(name, rotate_residual(fold_norms(free(Draft.of(tiny(name)))), seed=5)) < 1


@pytest.mark.parametrize("name", [name for name in CONFIGS if name not in RMS])
def test_what_would_change_the_model_is_refused(name, tiny) -> None:
    with pytest.raises(UsageError, match="layer norm" if name != "gemma3" else "has gains of its own"):
        rotate_residual(fold_norms(untie(Draft.of(tiny(name)))))


def test_a_gain_left_before_a_tied_head_is_refused(tiny) -> None:
    with pytest.raises(UsageError, match=r"model.norm.weight has gains .* untie or bridge"):
        rotate_residual(fold_norms(Draft.of(tiny("qwen2"))))


def test_a_tied_embedding_is_stored_rotated_once(tiny) -> None:
    model = tiny("qwen2")
    draft = rotate_residual(fold_norms(bridge(Draft.of(model))), seed=3)
    expected = turned_columns(model.weights[EMBEDDING], random_rotation(64, seed=3))
    np.testing.assert_array_equal(draft.tensors[EMBEDDING], expected)
    assert EMBEDDING in draft.turned and "model.layers.0.mlp.down_proj.weight" not in draft.turned
    assert "model.layers.0.self_attn.o_proj.weight" not in draft.turned


def test_importance_of_rotated_columns_is_dropped(tiny) -> None:
    model = tiny("llama")
    names = [f"model.layers.0.{part}.weight" for part in ("mlp.up_proj", "mlp.down_proj")]
    importance = {name: np.ones(model.weights[name].shape[1], np.float32) for name in names}
    assert set(rotate_residual(fold_norms(Draft.of(model, of_squares(importance)))).importance) == {names[1]}


def test_rotations_have_length_one() -> None:
    w = np.random.default_rng(0).standard_normal((5, 36)).astype(np.float32)  # 36 = 12 x 3 or a Paley matrix
    rotation = random_rotation(36, 1)
    q = turned_columns(np.eye(36, dtype=np.float32), rotation).T  # Q e_j in column j
    np.testing.assert_allclose(q @ q.T, np.eye(36), atol=1e-6)
    np.testing.assert_allclose(turned_columns(w, rotation), w @ q.T, atol=1e-5)
    np.testing.assert_allclose(turned_rows(w.T.copy(), rotation), q @ w.T, atol=1e-5)
    np.testing.assert_allclose(turned_rows(w[0], rotation), q @ w[0], atol=1e-5)


def test_weights_become_normal(tiny) -> None:
    from tabulae.statistics import describe_tensor

    model = tiny("llama")
    model.weights[EMBEDDING] = np.random.default_rng(0).laplace(size=(199, 64)).astype(np.float32)
    draft = rotate_residual(fold_norms(Draft.of(model)))
    assert describe_tensor(model.weights[EMBEDDING]).kurtosis > 5
    assert describe_tensor(draft.tensors[EMBEDDING]).kurtosis < 3.5
