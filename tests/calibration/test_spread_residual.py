import numpy as np
import pytest
from tiny_models import CONFIGS

from tabulae.calibration import Draft, spread_residual
from tabulae.calibration.spread_residual import dealt
from tabulae.formats.input_statistics import of_squares


def with_importance(model) -> Draft:
    rng = np.random.default_rng(2)
    return Draft.of(
        model, of_squares({name: rng.random(model.shape(name)[1], np.float32) for name in model.program.linears()})
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_another_order_computes_the_same(name, tiny, deviation) -> None:
    before = with_importance(tiny(name))
    draft = spread_residual(before, group=8)
    assert draft.notes == ()
    assert deviation(name, draft) < 1
    moved = [key for key in before.names if (draft.tensors[key] != before.tensors[key]).any()]
    assert len(moved) > len(before.names) // 2


def test_loud_channels_stand_in_different_groups(tiny) -> None:
    model = tiny("llama_biased")  # tied
    loud = np.ones(64, np.float32)
    loud[8:24] = 1e6
    names = [name for name in model.program.linears() if model.shape(name)[1] == 64 and "o_proj" not in name]
    draft = spread_residual(Draft.of(model, of_squares(dict.fromkeys(names, loud))), group=8)
    for name in names:
        assert (draft.importance[name].reshape(8, 8) == 1e6).sum(1).tolist() == [2] * 8
        before = np.sort(np.square(model.weights[name]).sum(0) * loud)
        after = np.sort(np.square(draft.tensors[name]).sum(0) * draft.importance[name])
        np.testing.assert_allclose(after, before, rtol=1e-5)


def test_every_card_is_dealt_once_and_hands_are_even() -> None:
    cards = dealt(np.arange(576), 32)
    assert sorted(cards) == list(range(576))
    for group in (32, 64):
        sums = cards.reshape(-1, group).sum(1)
        assert sums.max() - sums.min() <= group


def test_what_cannot_be_moved_is_left_and_noted(tiny) -> None:
    draft = spread_residual(with_importance(tiny("llama")), group=48)
    assert draft.notes == ("spread_residual: 64 channels are no groups of 48",)
    assert all((draft.tensors[name] == tiny("llama").weights[name]).all() for name in draft.names)
