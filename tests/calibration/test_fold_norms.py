import numpy as np
import pytest
from tiny_models import CONFIGS

from tabulae.calibration import Draft, fold_norms, untie
from tabulae.formats.input_statistics import of_squares
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.rms_norm import RMSNorm


@pytest.mark.parametrize("name", CONFIGS)
def test_the_logits_stay(name, tiny, deviation) -> None:
    assert deviation(name, fold_norms(Draft.of(tiny(name)))) < 1


@pytest.mark.parametrize("name", CONFIGS)
def test_the_logits_stay_with_a_head_of_its_own(name, tiny, deviation) -> None:
    draft = fold_norms(untie(Draft.of(tiny(name))))
    assert deviation(name, draft) < 1
    assert not any("norm.weight" in note and "used elsewhere" in note for note in draft.notes)


@pytest.mark.parametrize("name, kept", [("llama", 0), ("qwen2", 1), ("qwen3", 4), ("gemma3", 13), ("opt_post_norm", 4)])
def test_what_cannot_be_folded_stays_and_is_noted(name, kept, tiny) -> None:
    draft = fold_norms(Draft.of(tiny(name)))
    norms = [op for op in draft.program.operations if isinstance(op, RMSNorm | LayerNorm)]
    assert sum(not (draft.tensors[op.weight] == 1).all() for op in norms) == kept == len(draft.notes)


def test_biases_of_layer_norms_move_too(tiny) -> None:
    draft = fold_norms(untie(Draft.of(tiny("falcon"))))  # its linears had no bias
    assert not any(isinstance(op, LayerNorm) and op.bias for op in draft.program.operations)
    assert "transformer.ln_f.bias" not in draft.tensors
    assert draft.tensors.shape("transformer.h.0.self_attention.query_key_value.k.bias") == (16,)
    assert draft.tensors.shape("lm_head.bias") == (199,)


def test_importance_follows_the_gain(tiny) -> None:
    model = tiny("llama")
    name, norm = "model.layers.0.self_attn.k_proj.weight", "model.layers.0.input_layernorm.weight"
    model.weights[norm][3] = 0
    draft = fold_norms(Draft.of(model, of_squares({name: np.full(64, 5, np.float32)})))
    gains = np.delete(model.weights[norm], 3)
    np.testing.assert_allclose(np.delete(draft.importance[name], 3), 5 / gains**2, rtol=1e-6)
    assert draft.importance[name][3] == 0 and (draft.tensors[name][:, 3] == 0).all()


def test_importance_behind_a_bias_is_dropped(tiny) -> None:
    known = {"transformer.h.0.attn.c_attn.q.weight": np.ones(64, np.float32)}
    known["transformer.h.0.attn.c_proj.weight"] = np.ones(64, np.float32)
    draft = fold_norms(Draft.of(tiny("gpt2"), of_squares(known)))
    assert set(draft.importance) == {"transformer.h.0.attn.c_proj.weight"}


def test_reading_is_the_same_every_time(tiny) -> None:
    draft = fold_norms(Draft.of(tiny("gpt2")))
    for name in draft.tensors:
        np.testing.assert_array_equal(draft.tensors[name], draft.tensors[name])
