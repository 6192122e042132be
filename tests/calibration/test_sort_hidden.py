import numpy as np
import pytest
from tiny_models import CONFIGS, TOKENS
from tiny_tables import WAYS, bound

from tabulae.calibration import Draft, column_scales, sort_hidden
from tabulae.calibration.edges import edges
from tabulae.calibration.sort_hidden import hidden_layers
from tabulae.errors import UsageError
from tabulae.formats import encode, parse
from tabulae.formats.input_statistics import of_squares
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.gate import Gate
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session


def group_of(model) -> int:
    """A quarter of the units: 172 or 256."""
    return next(layer.width for layer in hidden_layers(Draft.of(model))) // 4


def deal_of(draft: Draft) -> tuple[int, ...]:
    (deal,) = {op.deal for op in draft.program.operations if isinstance(op, Gate | Activate)}
    return deal


def with_importance(model) -> Draft:
    rng = np.random.default_rng(4)
    readers = [one.weight for layer in hidden_layers(Draft.of(model)) for one in layer.readers]
    return Draft.of(model, of_squares({name: rng.random(model.shape(name)[1], np.float32) for name in readers}))


@pytest.mark.parametrize("name", CONFIGS)
def test_sorted_units_compute_the_same(name, tiny, deviation) -> None:
    before = with_importance(tiny(name))
    draft = sort_hidden(before, group=group_of(tiny(name)))
    draft.program.check()
    assert len(before.importance) >= 2 and draft.notes == ()
    for reader, importance in draft.importance.items():
        loudness = np.square(draft.tensors[reader]).sum(0) * importance
        by_rank = loudness.reshape(deal_of(draft)).T.reshape(-1)
        assert (np.diff(by_rank) <= 1e-6 * by_rank[0]).all()
        assert sorted(importance) == sorted(before.importance[reader])
    assert deviation(name, draft) < 1


@pytest.mark.parametrize("name", ["llama", "gpt2", "opt"])
def test_dealt_units_give_the_bits_of_the_reference(name, tiny) -> None:
    draft = sort_hidden(with_importance(tiny(name)), group=group_of(tiny(name)))
    weights = {
        key: encode(parse("normal:5/g32/search"), draft.tensors[key]).matrix if len(draft.shape(key)) == 2 else w
        for key, w in draft.tensors.items()
    }
    expected = Interpreter(draft.program, weights).logits(TOKENS, wanted="all")
    for isa, arithmetic, threads in WAYS:
        session = Session(Engine(bound(draft.program, weights), threads=threads, arithmetic=arithmetic, isa=isa), 64)
        np.testing.assert_array_equal(session.feed(TOKENS, wanted=0).view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("name", ["llama", "opt"])  # a gate, and a ReLU
def test_scales_of_columns_find_their_units(name, tiny, deviation) -> None:
    draft = column_scales(sort_hidden(with_importance(tiny(name)), group=group_of(tiny(name))))
    assert "hidden" in {edge.kind for edge in edges(draft)}
    assert deviation(name, draft) < 1


def test_rows_columns_and_biases_move_together(tiny) -> None:
    model = tiny("llama_biased")
    draft, layer = sort_hidden(with_importance(model), group=43), "model.layers.1.mlp."
    (order,) = np.unique(
        [
            [np.flatnonzero((model.weights[layer + f"{one}_proj.weight"] == row).all(1))[0] for row in after]
            for one in ("gate", "up")
            for after in [draft.tensors[layer + f"{one}_proj.weight"]]
        ],
        axis=0,
    )
    np.testing.assert_array_equal(draft.tensors[layer + "up_proj.bias"], model.weights[layer + "up_proj.bias"][order])
    down = layer + "down_proj.weight"
    dealt = order.reshape(deal_of(draft)[::-1]).T.reshape(-1)
    np.testing.assert_array_equal(draft.tensors[down], model.weights[down][:, dealt])
    bias = layer + "down_proj.bias"
    np.testing.assert_array_equal(draft.tensors[bias], model.weights[bias])


def test_without_importance_it_is_refused(tiny) -> None:
    with pytest.raises(UsageError, match=r"the importance of model\.layers\.0\.mlp\.down_proj\.weight must be known"):
        sort_hidden(Draft.of(tiny("llama")), group=43)


def test_a_width_that_is_no_multiple_of_the_groups_is_left_alone(tiny) -> None:
    draft = sort_hidden(with_importance(tiny("llama")), group=32)
    assert draft.program == tiny("llama").program
    assert draft.notes == ("sort_hidden: 172 units are no groups of 32",) * 2
