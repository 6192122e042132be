import numpy as np
import pytest
from tiny_models import CONFIGS

from tabulae.calibration import Draft, column_scales, rotate_heads
from tabulae.formats.input_statistics import of_squares


@pytest.mark.parametrize("name", CONFIGS)
def test_the_logits_stay(name, tiny, deviation, logits) -> None:
    draft = Draft.of(tiny(name))
    rotated = rotate_heads(draft, seed=2)
    assert 0 < deviation(name, rotated) < 1
    assert len(rotated.turned) == sum(op.__struct_config__.tag == "attention" for op in draft.program.operations)


def test_scales_may_come_first(tiny, deviation) -> None:
    model = tiny("qwen2")
    rng = np.random.default_rng(0)
    importance = {
        name: np.exp2(rng.uniform(-6, 6, model.weights[name].shape[1])).astype(np.float32)
        for name in model.program.linears()
    }
    draft = rotate_heads(column_scales(Draft.of(model, of_squares(importance)), "importance"))
    assert deviation("qwen2", draft) < 1
    before, after = (
        d.importance for d in (column_scales(Draft.of(model, of_squares(importance)), "importance"), draft)
    )
    behind = "model.layers.0.self_attn.o_proj.weight"
    heads = before[behind].reshape(4, 16)
    np.testing.assert_allclose(after[behind].reshape(4, 16), np.repeat(heads.mean(1), 16).reshape(4, 16), rtol=1e-6)
    np.testing.assert_array_equal(*(d["model.layers.0.self_attn.v_proj.weight"] for d in (before, after)))


def test_heads_are_turned_one_by_one(tiny) -> None:
    model = tiny("llama")
    name = "model.layers.1.self_attn.v_proj.weight"
    before, after = (w.reshape(2, 16, 64) for w in (model.weights[name], rotate_heads(Draft.of(model)).tensors[name]))
    assert not np.allclose(before, after)
    np.testing.assert_allclose(np.square(before).sum(axis=1), np.square(after).sum(axis=1), rtol=1e-5)


def test_layers_have_signs_of_their_own(tiny) -> None:
    model = tiny("llama")
    names = [f"model.layers.{layer}.self_attn.v_proj.weight" for layer in (0, 1)]
    model.weights[names[1]] = model.weights[names[0]].copy()
    draft = rotate_heads(Draft.of(model))
    assert not np.array_equal(draft.tensors[names[0]], draft.tensors[names[1]])
