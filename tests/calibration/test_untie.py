import numpy as np
import pytest
from tiny_models import CONFIGS

from tabulae.calibration import Draft, bridge, fold_norms, untie
from tabulae.calibration.untie import BRIDGE, HEAD
from tabulae.formats.input_statistics import of_squares

TIED = [name for name in CONFIGS if name in ("llama_biased", "qwen2", "gemma3")]


@pytest.mark.parametrize("name", CONFIGS)
def test_untying_changes_no_bit(name, tiny, logits) -> None:
    draft = Draft.of(tiny(name))
    untied = untie(draft)
    np.testing.assert_array_equal(logits(untied), logits(draft))
    assert untied.program.operations[-1].linears[0].weight == HEAD


@pytest.mark.parametrize("name", TIED)
def test_a_bridge_changes_no_bit(name, tiny, logits) -> None:
    draft = Draft.of(tiny(name))
    bridged = bridge(draft)
    np.testing.assert_array_equal(logits(bridged), logits(draft))  # one product each, and sums of zeros
    assert bridged.tensors.shape(BRIDGE) == (64, 64) and (bridged.tensors["model.norm.weight"] == 1).all()
    assert HEAD not in bridged.tensors and bridged.notes == ()


@pytest.mark.parametrize("name", TIED)
def test_then_the_last_norm_is_ones(name, tiny, deviation) -> None:
    for free in (untie, bridge):
        draft = fold_norms(free(Draft.of(tiny(name))))
        assert (draft.tensors["model.norm.weight"] == 1).all()
        assert deviation(name, draft) < 1


@pytest.mark.parametrize("name, free", [("llama", untie), ("llama", bridge), ("gpt2", bridge)])
def test_where_there_is_nothing_to_do_it_is_noted(name, free, tiny) -> None:
    draft = Draft.of(tiny(name))
    same = free(draft)
    assert same.program == draft.program and set(same.tensors) == set(draft.tensors) and len(same.notes) == 1


def test_importance_goes_with_the_head(tiny) -> None:
    known = {"model.embed_tokens.weight": np.ones(64, np.float32)}
    assert set(untie(Draft.of(tiny("qwen2"), of_squares(known))).importance) == {HEAD}
